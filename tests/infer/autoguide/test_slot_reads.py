"""The plates of which a statement reads one slot, against what each program says."""

from __future__ import annotations

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.infer.autoguide import AutoNormal
from virgil.infer.autoguide.core.inverse_structure import reads_by_statement
from virgil.infer.autoguide.core.slot_reads import slot_reads
from virgil.infer.density.execution import Call, no_guide

GROUPS = torch.tensor([4, 0, 2, 2, 1, 3, 0])


def own(x):
    return x


def summed(x):
    return x - x.sum(-1, keepdim=True)


def neighbours(x):
    return x + x.roll(1, -1)


def permuted(x):
    return x[torch.tensor([1, 0, 2, 3, 4])]


def chosen(x):
    return x[GROUPS]


def pairs(x):
    return x[GROUPS] - x[GROUPS.roll(1)]


def mean(x):
    return x.mean(-1)


def nothing(x):
    return torch.zeros(7)


INSIDE = {own: True, summed: False, neighbours: False, permuted: False}
OUTSIDE = {chosen: True, pairs: False, mean: False, nothing: True}


@pytest.mark.parametrize(("read", "holds"), [*INSIDE.items(), *OUTSIDE.items()])
def test_a_statement_reads_one_slot(read, holds):
    def model():
        with virgil.plate("slots", 5):
            x = virgil.sample("x", dist.LogNormal(torch.linspace(-1, 1, 5), 1.0))
            if read in INSIDE:
                virgil.sample("y", dist.Normal(read(x), 1.0), obs=torch.ones(5))
        if read in OUTSIDE:
            size = len(torch.atleast_1d(read(x)))
            with virgil.plate("data", size):
                virgil.sample("y", dist.Normal(read(x), 1.0), obs=torch.ones(size))

    assert found(model) == {"x": {"slots"}, "y": {"slots"} if holds else set()}


def found(model):
    guide = AutoNormal(model)
    guide()
    names = frozenset(latent.name for latent in guide.latents)
    reads = {name: names for name, site in guide.prototype_trace.nodes.items() if site.kind == "sample"}
    one_slot = slot_reads(Call(model, no_guide, (), {}), guide.prototype_trace, guide.latents, reads)
    return {name: set(plates) for name, plates in one_slot.items()}


def test_a_model_that_fails_elsewhere_is_taken_at_the_plates_word():
    runs = []

    def model():
        runs.append(0)
        if len(runs) > 1:
            raise ValueError
        with virgil.plate("slots", 5):
            x = virgil.sample("x", dist.Normal(0.0, 1.0))
            virgil.sample("y", dist.Normal(x, 1.0), obs=torch.ones(5))
        virgil.sample("z", dist.Normal(x[0], 1.0), obs=torch.ones(()))

    guide = AutoNormal(model)
    guide.median()
    reads = slot_reads(Call(model, no_guide, (), {}), guide.prototype_trace, guide.latents, {})
    assert reads == {"x": {"slots"}, "y": {"slots"}, "z": set()}


def test_plates_that_no_statement_reads_together_are_tried_together():
    runs = []

    def model():
        runs.append(0)
        level = torch.zeros(5)
        for t in range(6):
            with virgil.plate(f"slots_{t}", 5):
                level = virgil.sample(f"x_{t}", dist.Normal(level.flip(0) if t == 3 else level, 1.0))

    guide = AutoNormal(model)
    guide.median()
    trace = guide.prototype_trace
    reads = reads_by_statement(model, trace, (), {})
    before = len(runs)
    found = slot_reads(Call(model, no_guide, (), {}), trace, guide.latents, reads)
    plates = {f"slots_{t}" for t in range(6)}
    # a level is outside of the plate before it, of which it reads one slot
    assert found == {f"x_{t}": plates for t in range(6)}
    assert len(runs) - before == 2 * (
        1 + 2 * 3
    )  # two groups; for each the values as they are, and two for three places
