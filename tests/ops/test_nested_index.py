"""Nested indices are those of the flat tuple."""

import pytest
import torch

from virgil.ops.nested_index import Index, index

X = torch.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("nested", "flat"),
    [
        (1, X[1]),
        ((..., 1), X[..., 1]),
        ((..., slice(1, 3)), X[..., 1:3]),
        ((..., (..., None)), X[..., None]),
        ((0, (slice(None), (2, None))), X[0, :, 2, None]),
        (((0, ...), (..., 1)), X[0, ..., 1]),
        ([0, 1, 1], X[[0, 1, 1]]),
        (torch.tensor([1, 0]), X[torch.tensor([1, 0])]),
    ],
)
def test_parts_stand_in_their_place(nested, flat):
    assert torch.equal(index(X, nested), flat)
    assert torch.equal(Index(X)[nested], flat)
