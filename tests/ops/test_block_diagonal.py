"""Blocks on a diagonal against torch's function of a list of matrices."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.block_diagonal import block_diag_embed, block_diagonal


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 4), (5, 1, 2)])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_blocks_stand_on_the_diagonal_and_come_back(shape, batch):
    torch.manual_seed(0)
    blocks = torch.randn(*batch, *shape)
    matrix = block_diag_embed(blocks)
    expected = torch.stack([torch.block_diag(*each) for each in blocks.reshape(-1, *shape)])
    torch.testing.assert_close(matrix, expected.reshape(*batch, *expected.shape[1:]))
    torch.testing.assert_close(block_diagonal(matrix, shape[0]), blocks)


def test_what_is_refused():
    with pytest.raises(ArgumentError, match=r"shape \(2, 2\); it takes \(\*batch, count, rows, columns\)"):
        block_diag_embed(torch.ones(2, 2))
    with pytest.raises(ArgumentError, match=r"shape \(4, 4\) and 3 blocks"):
        block_diagonal(torch.ones(4, 4), 3)
