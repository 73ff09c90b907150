"""Shapes broadcast as torch's do."""

import itertools

import pytest
import torch

from virgil.ops.broadcast import broadcast_shapes

SHAPES = [(), (1,), (3,), (0,), (1, 3), (2, 1), (2, 3), (4, 1, 1), (0, 3), torch.Size([2, 1, 3])]


@pytest.mark.parametrize("shapes", [*itertools.product(SHAPES, SHAPES), *itertools.combinations(SHAPES, 3), ()])
def test_it_agrees_with_torch(shapes):
    try:
        expected = torch.broadcast_tensors(*(torch.empty(each) for each in shapes))[0].shape if shapes else ()
    except RuntimeError:
        with pytest.raises(RuntimeError, match="do not broadcast"):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == expected
        assert type(broadcast_shapes(*shapes)) is torch.Size
