"""Blocks of a value in the slots of some of its batch dims, entry by entry, and back."""

from itertools import chain, combinations

import pytest
import torch

from virgil.infer.autoguide.core.alignment import blocks, unblocked

KEPT = list(chain.from_iterable(combinations((-3, -2, -1), count) for count in range(4)))


@pytest.mark.parametrize("lead", [(), (5,)])
@pytest.mark.parametrize("event", [(), (2, 3)])
@pytest.mark.parametrize("kept", KEPT)
def test_a_block_has_the_numbers_of_its_slot(lead, event, kept):
    batch = (2, 4, 3)
    value = torch.arange(torch.Size((*lead, *batch, *event)).numel()).reshape((*lead, *batch, *event))
    found = blocks(value, 3, len(event), kept)
    slots = tuple(size if dim in kept else 1 for dim, size in zip((-3, -2, -1), batch, strict=True))
    assert found.shape[:-1] == (*lead, *slots)
    for slot in torch.cartesian_prod(*map(torch.arange, slots)).tolist():
        where = tuple(place if dim in kept else slice(None) for dim, place in zip((-3, -2, -1), slot, strict=True))
        expected = value[(slice(None),) * len(lead) + where]
        assert torch.equal(found[(..., *slot, slice(None))].flatten(), expected.flatten())
    assert torch.equal(unblocked(found, (*batch, *event), 3, kept), value)
