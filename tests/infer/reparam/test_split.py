"""Pieces of variables: their supports, and what does not fit."""

import pytest
import torch
from torch.distributions import constraints

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer.reparam import LocScaleReparam, SplitReparam
from virgil.infer.reparam.split import default_support, real_support, same_support


class Halves(dist.TorchDistribution):
    """A vector of two positive numbers and three in (0, 1)."""

    arg_constraints = {}
    support = constraints.cat([constraints.positive, constraints.unit_interval], -1, [2, 3])

    def __init__(self):
        super().__init__((), (5,))


class Stacked(dist.TorchDistribution):
    arg_constraints = {}
    support = constraints.stack([constraints.positive, constraints.unit_interval, constraints.real], -1)

    def __init__(self):
        super().__init__((), (3,))


def inside(support, values):
    return support.check(torch.tensor(values)).tolist()


def test_the_support_of_a_piece_is_that_of_its_entries():
    vector = dist.Gamma(torch.ones(4), 1.0).to_event(1)
    assert not inside(default_support(vector, slice(0, 2), -1), [-1.0, 1.0])
    assert inside(default_support(vector, slice(0, 2), -1), [3.0, 1.0])
    assert inside(default_support(Halves(), slice(0, 2), -1), [3.0, 1.0]) == [True, True]
    assert inside(default_support(Halves(), slice(1, 4), -1), [3.0, 0.5, 1.5]) == [True, True, False]
    assert inside(default_support(Stacked(), slice(1, 3), -1), [3.0, -4.0]) == [False, True]


def test_other_supports_can_be_chosen():
    fn = dist.Gamma(torch.ones(4), 1.0).to_event(1)
    assert same_support(fn, slice(0, 2), -1) is not None
    assert inside(real_support(fn, slice(0, 2), -1), [-1.0, 1.0])
    reparam = SplitReparam([1, 3], -1, support_fn=real_support)
    trace = poutine.trace(poutine.reparam(lambda: virgil.sample("x", fn), config={"x": reparam})).get_trace()
    assert inside(trace.nodes["x_split_1"].fn.support, [-1.0, 1.0, 2.0])


def test_a_piece_is_restated_in_turn():
    """What a reparameteriser states has one of its own, by its name."""
    model = lambda: virgil.sample("x", dist.Normal(torch.zeros(4), 1.0).to_event(1))  # noqa: E731
    config = {"x": LocScaleReparam(0.0), "x_decentered": SplitReparam([1, 3], -1)}
    trace = poutine.trace(poutine.reparam(model, config=config)).get_trace()
    assert trace.stochastic_nodes == ["x_decentered_split_0", "x_decentered_split_1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SplitReparam([], -1), r"got sections=\[\]; it takes a list of sizes"),
        (lambda: SplitReparam([2, 2], 0), "got dim=0; it takes a negative"),
        (lambda: SplitReparam([2, 3], -1), "site 'x', .* the event has 4 entries along dim -1. Give sections whose"),
        (lambda: SplitReparam([2, 2], -2), "site 'x', SplitReparam got .* dim=-2 must be one of them"),
    ],
)
def test_mistakes_are_named(make, message):
    model = lambda: virgil.sample("x", dist.Normal(torch.zeros(4), 1.0).to_event(1))  # noqa: E731
    with pytest.raises(ArgumentError, match=message):
        poutine.reparam(model, config={"x": make()})()
