"""Recurrences in logarithmic depth against a loop over the steps."""

import pytest
import torch

from virgil.ops.affine_recurrence import affine_recurrence, covariance_recurrence

SIZES = pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 16, 21])
STEADY = pytest.mark.parametrize("steady", [True, False])


def parts(count, steady, columns):
    torch.manual_seed(count)
    time = 1 if steady else count
    matrix = torch.randn(2, time, 3, 3, dtype=torch.double)
    return matrix, torch.randn(4, 2, count, 3, columns, dtype=torch.double), torch.randn(2, 1, 3, columns).double()


@SIZES
@STEADY
def test_vectors_are_those_of_a_loop(count, steady):
    matrix, offset, state = parts(count, steady, 1)
    found = affine_recurrence(matrix, offset, state, count)
    assert found.shape == (4, 2, count, 3, 1)
    for step in range(count):
        state = matrix[:, step % matrix.shape[1], None] @ state + offset[..., step : step + 1, :, :]
        torch.testing.assert_close(found[..., step : step + 1, :, :], state)


@SIZES
@STEADY
def test_covariances_are_those_of_a_loop(count, steady):
    matrix, noise, state = parts(count, steady, 3)
    found = covariance_recurrence(matrix, noise, state, count)
    for step in range(count):
        each = matrix[:, step % matrix.shape[1], None]
        state = each @ state @ each.mT + noise[..., step : step + 1, :, :]
        torch.testing.assert_close(found[..., step : step + 1, :, :], state)
