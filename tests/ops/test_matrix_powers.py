"""Powers against multiplication one after another."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.matrix_powers import repeated_matmul


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8])
def test_powers(n):
    torch.manual_seed(0)
    matrix = torch.randn(2, 3, 3, dtype=torch.float64)
    found = repeated_matmul(matrix, n)
    assert found.shape == (n, 2, 3, 3)
    power = matrix
    for each in found:
        torch.testing.assert_close(each, power)
        power = power @ matrix


def test_no_power_is_refused():
    with pytest.raises(ArgumentError, match="n=0"):
        repeated_matmul(torch.eye(2), 0)
