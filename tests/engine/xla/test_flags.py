"""Small loops are one piece of machine code, where XLA is told so in time, and compute the same."""

import json
import os
import subprocess
import sys

import pytest

from virgil.engine.xla.flags import set_flags

OURS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=262144"
OFF = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=0"
RUN = """
import json, os
import torch, virgil, virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal

def model(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
    tau = virgil.sample("tau", dist.HalfNormal(1.0))
    with virgil.plate("data", len(y)):
        theta = virgil.sample("theta", dist.Normal(mu, tau))
        virgil.sample("y", dist.Normal(theta, 1.0), obs=y)

virgil.set_rng_seed(0)
svi = SVI(model, AutoNormal(model), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
losses = svi.run(300, torch.linspace(-2.0, 3.0, 6), engine="xla", progress=False).losses
print(json.dumps([losses.double().tolist(), os.environ["XLA_FLAGS"]]))
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [("", OURS), ("--xla_cpu_use_onednn=false", f"--xla_cpu_use_onednn=false {OURS}"), (OFF, OFF)],
)
def test_what_a_user_has_set_stays(before, after, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", before)
    set_flags()
    set_flags()
    assert os.environ["XLA_FLAGS"] == after


def losses(flags, folder):
    environment = {**os.environ, "XLA_FLAGS": f"{flags} --xla_dump_to={folder} --xla_dump_hlo_as_text".strip()}
    result = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True)
    compiled = "".join(each.read_text() for each in folder.glob("*steps*cpu_after_optimizations.txt"))
    return json.loads(result.stdout.splitlines()[-1])[0], "xla_cpu_small_call" in compiled


@pytest.mark.long
def test_a_small_model_is_one_piece_and_the_same(tmp_path):
    """Single precision over 300 steps: a piece of machine code may round differently from many."""
    together, is_one = losses("", tmp_path / "one")
    apart, is_still_one = losses(OFF, tmp_path / "many")
    assert is_one
    assert not is_still_one
    assert together == pytest.approx(apart, rel=1e-3, abs=1e-3)
