"""Elimination along a chain against a plain product of all slots' factors, in which every step has a dim of its own."""

import math

import pytest
import torch

from virgil.ops.chain_elimination import Chain
from virgil.ops.factor import Factor, product
from virgil.ops.semiring import MAXIMUM, SUM, Semiring

# slots, history, values of each variable, dims that the slots' factor lacks
SHAPES = [
    (1, 1, {"a": 2}, ()),
    (5, 1, {"a": 3}, ()),
    (6, 1, {"a": 2, "b": 3}, ()),
    (1, 2, {"a": 2}, ()),
    (4, 2, {"a": 3}, ()),
    (4, 2, {"a": 2, "b": 2}, ()),
    (4, 2, {"a": 2, "b": 2}, ("b0",)),
    (5, 2, {"a": 2}, ("a1",)),
    (4, 3, {"a": 2}, ()),
]


def chain(variables, history):
    windows = tuple(tuple(f"{name}{place}" for place in range(history + 1)) for name in variables)
    starts = tuple(tuple(f"{name} start {place}" for place in range(history)) for name in variables)
    return Chain("time", windows, starts)


def random_slots(slots, history, variables, lacking):
    dims = [f"{name}{place}" for place in range(history + 1) for name in variables]
    dims = ["batch", *(dim for dim in dims if dim not in lacking), "time"]
    sizes = {"batch": 2, "time": slots} | {f"{name}{p}": k for name, k in variables.items() for p in range(history + 1)}
    logs = torch.randn(*(sizes[dim] for dim in dims), dtype=torch.float64, requires_grad=True)
    return Factor(logs, tuple(dims))


def by_hand(slots, history, variables, semiring):
    """One factor a slot, over variables that are numbered through."""
    place = slots.dims.index("time")
    each = []
    for slot in range(slots.size("time")):
        names = {f"{name}{lag}": f"{name} {slot + lag}" for name in variables for lag in range(history + 1)}
        dims = tuple(names.get(dim, dim) for dim in slots.dims if dim != "time")
        each.append(Factor(slots.logs.select(place, slot), dims))
    kept = [f"{name} {lag}" for lag in range(history) for name in variables]
    joint = product(each)
    return joint.eliminated(frozenset(joint.dims).difference(kept, ["batch"]), semiring), ["batch", *kept]


@pytest.mark.parametrize("semiring", [SUM, MAXIMUM], ids=lambda semiring: semiring.name)
@pytest.mark.parametrize(("slots", "history", "variables", "lacking"), SHAPES)
def test_value_and_derivative_are_those_of_the_whole_product(slots, history, variables, lacking, semiring):
    torch.manual_seed(slots + history)
    factor = random_slots(slots, history, variables, lacking)
    found = chain(variables, history).eliminated(factor, semiring)
    expected, dims = by_hand(factor, history, variables, semiring)
    starts = ["batch", *(f"{name} start {lag}" for lag in range(history) for name in variables)]
    mine, theirs = found.aligned(starts), expected.aligned(dims)
    torch.testing.assert_close(mine, theirs.expand_as(mine))
    weights = torch.randn(mine.shape, dtype=torch.float64)
    gradients = [torch.autograd.grad((each * weights).sum(), factor.logs)[0] for each in (mine, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("slots", [1, 2, 3, 100, 1_000])
def test_the_depth_is_logarithmic(slots):
    rounds = []

    def reduce(logs, dims):
        rounds.append(dims)
        return MAXIMUM.reduce(logs, dims)

    factor = random_slots(slots, 1, {"a": 2}, ())
    chain({"a": 2}, 1).eliminated(factor, Semiring("counted", reduce))
    assert len(rounds) == math.ceil(math.log2(slots)) + 1
