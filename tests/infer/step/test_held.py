"""A step is captured anew when what its program holds, besides its arguments, has changed."""

import functools

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.step.cases import Case, Holder, Replayed, Y
from virgil import poutine
from virgil.distributions import constraints
from virgil.infer.step import compiled


@pytest.fixture(autouse=True)
def replays(monkeypatch):
    monkeypatch.setattr(compiled, "compiled", lambda engine, *step: Replayed(*step))


FACTOR = 1.0


def twice(x):
    return 2.0 * FACTOR * x


def of_closure():
    scale = 1.0

    def model(y):
        virgil.sample("y", dist.Normal(0.0, scale * spread_of()).expand((5,)).to_event(1), obs=y)

    def change(value):
        nonlocal scale
        scale = value

    return model, change


def of_global_in_a_helper():
    def model(y):
        virgil.sample("y", dist.Normal(0.0, twice(spread_of())).expand((5,)).to_event(1), obs=y)

    return model, lambda value: globals().update(FACTOR=value)


def of_tensor():
    scale = torch.tensor(1.0)

    def model(y):
        virgil.sample("y", dist.Normal(0.0, scale * spread_of()).expand((5,)).to_event(1), obs=y)

    return model, lambda value: scale.fill_(value) if value != scale else None


def of_wrapped():
    handler = poutine.scale(scale=1.0)

    def model(y):
        virgil.sample("y", dist.Normal(0.0, spread_of()).expand((5,)).to_event(1), obs=y)

    return handler(model), lambda value: setattr(handler, "scale", value)


def of_partial():
    held = Holder(1.0)

    def model(held, y):
        virgil.sample("y", dist.Normal(0.0, held.shift * spread_of()).expand((5,)).to_event(1), obs=y)

    return functools.partial(model, held), lambda value: setattr(held, "shift", value)


def spread_of():
    return virgil.param("spread", torch.tensor(1.5), constraint=constraints.positive)


@pytest.mark.parametrize("make", [of_closure, of_global_in_a_helper, of_tensor, of_wrapped, of_partial])
def test_what_a_program_holds(make):
    case = Case()
    case.svi.model, change = make()
    case.svi.guide = lambda y: None
    case.svi.step(Y)
    for value, captures in ((1.0, 1), (1.0, 1), (2.0, 2), (2.0, 2), (3.0, 3)):
        change(value)
        case.run()
        assert case.steps.captures == captures
        case.assert_present()
