"""Inverse and log-determinant against torch's, with first and second derivatives."""

import pytest
import torch

from virgil.ops.inverse_and_log_det import inverse_and_log_det


def positive(size, *batch):
    torch.manual_seed(size)
    root = torch.randn(*batch, size, size, dtype=torch.double)
    return root @ root.mT + torch.eye(size, dtype=torch.double) + 0.1 * torch.randn(size, size, dtype=torch.double)


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("differentiates", [True, False])
def test_both_are_torchs(size, differentiates):
    matrix = positive(size, 5).requires_grad_(differentiates)
    inverse, log_det = inverse_and_log_det(matrix)
    torch.testing.assert_close(inverse, torch.linalg.inv(matrix))
    torch.testing.assert_close(log_det, torch.logdet(matrix))


@pytest.mark.parametrize("size", [1, 3])
def test_derivatives_are_those_of_differences(size):
    matrix = positive(size, 2).requires_grad_()
    assert torch.autograd.gradcheck(inverse_and_log_det, matrix)
    assert torch.autograd.gradgradcheck(inverse_and_log_det, matrix)


def test_functions_of_torch_take_it():
    matrix = positive(3, 4)
    mapped = torch.func.vmap(torch.func.grad(lambda each: inverse_and_log_det(each)[1]))(matrix)
    torch.testing.assert_close(mapped, torch.linalg.inv(matrix).mT)
