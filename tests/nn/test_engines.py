"""A module program's step is captured: on every engine it is the eager step, and what the step reads is seen."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.graphs.test_engines import (
    assert_inductor_gives_the_eager_step,
    assert_xla_gives_the_eager_step,
    on_inductor,
)
from tests.nn.layers import Linear, Methods, Observed, normal
from tests.nn.pairs import ARGS, of_modules, svi_of
from tests.nn.programs import PROGRAMS
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.nn import PyroSample

pytestmark = pytest.mark.every_engine


def captured(name, engine):
    """An SVI after one step, and that step captured."""
    _, model, guide = of_modules(name)
    svi = svi_of(name, model, guide)
    svi.step(*ARGS)
    return svi, svi.session.compiled(engine).make(ARGS, {})


@pytest.mark.parametrize("name", PROGRAMS)
def test_xla_gives_the_eager_step(name):
    assert_xla_gives_the_eager_step(*captured(name, "xla"), ARGS)


@on_inductor(PROGRAMS, {"three random layers", "declared in the class", "guide of parts"})
def test_inductor_gives_the_eager_step(name):
    assert_inductor_gives_the_eager_step(*captured(name, "inductor"), ARGS)


class Reading(Observed):
    """Reads a number of the instance and one of the module, and has a prior from a function."""

    def __init__(self):
        super().__init__()
        self.factor = 1.0
        self.linear = Linear(["weight"]).linear

    def mean(self, x):
        return self.factor * WIDTH * self.linear(x)[:, 0]


WIDTH = 1.0


def _wider(monkeypatch):
    monkeypatch.setitem(globals(), "WIDTH", 2.0)


CHANGES = {
    "another prior": lambda net, _: setattr(
        net.linear, "weight", PyroSample(dist.Normal(1.0, 2.0).expand([1, 2]).to_event(2))
    ),
    "a prior that is a function": lambda net, _: setattr(net.linear, "weight", PyroSample(lambda layer: normal(1, 2))),
    "a number of the module": lambda net, _: setattr(net, "factor", 2.0),
    "a number that its methods read": lambda _, monkeypatch: _wider(monkeypatch),
    "a parameter that becomes frozen": lambda net, _: net.linear.bias.requires_grad_(False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_step_causes_one_capture(change, monkeypatch):
    net = Reading()
    svi = SVI(net, AutoNormal(net), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
    svi.step(*ARGS)
    for _ in range(2):
        svi.run(2, *ARGS, engine="xla", progress=False)
    assert svi.session.compiled("xla").captures == 1
    CHANGES[change](net, monkeypatch)
    for _ in range(2):
        svi.run(2, *ARGS, engine="xla", progress=False)
    assert svi.session.compiled("xla").captures == 2


def test_a_prior_of_a_module_whose_methods_are_called_is_seen():
    net = Methods()
    svi = SVI(net.model, AutoNormal(net.model), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
    svi.step(*ARGS)
    svi.run(2, *ARGS, engine="xla", progress=False)
    net.w = PyroSample(dist.Normal(0.0, torch.tensor([1.0, 3.0])).to_event(1))
    svi.run(2, *ARGS, engine="xla", progress=False)
    assert svi.session.compiled("xla").captures == 2
