"""What a run loads: not torch's compiler, which takes as long as torch itself, unless it is asked for."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, torch, virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.optim import {optim}

def model(y):
    scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
    with virgil.plate("n", 5):
        loc = virgil.sample("loc", dist.Normal(0.0, scale))
        virgil.sample("y", dist.Normal(loc, 1.0), obs=y)

svi = SVI(model, AutoNormal(model), {optim}({{"lr": 0.01}}), Trace_ELBO())
svi.run(100, torch.zeros(5), engine={engine!r}, progress=False)
print(sorted(each for each in ("torch._dynamo", "torch._inductor", "sympy") if each in sys.modules))
"""


@pytest.mark.long
@pytest.mark.parametrize("engine", ["eager", "xla", "auto"])
@pytest.mark.parametrize(
    "optim", ["Adam", *(pytest.param(name, marks=pytest.mark.every_engine) for name in ("ClippedAdam", "SGD"))]
)
def test_no_compiler_of_torch_is_loaded(engine, optim):
    program = PROGRAM.format(engine=engine, optim=optim)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
