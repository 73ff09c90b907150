"""Factors multiply to the matrices whose factors they are."""

import pytest
import torch

from virgil.ops.cholesky import precision_to_scale_tril, safe_cholesky


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_the_factor_of_the_inverse(size, batch):
    torch.manual_seed(0)
    root = torch.randn(*batch, size, size, dtype=torch.float64)
    precision = root @ root.mT + torch.eye(size, dtype=torch.float64)
    factor = precision_to_scale_tril(precision)
    torch.testing.assert_close(factor, factor.tril())
    torch.testing.assert_close(factor, torch.linalg.cholesky(precision.inverse()))


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_matrix_of_rank_one_has_a_factor(size, scale):
    torch.manual_seed(0)
    root = torch.randn(3, size, 1)
    matrix = scale * root @ root.mT
    factor = safe_cholesky(matrix)
    torch.testing.assert_close(factor @ factor.mT, matrix, rtol=1e-4, atol=1e-5 * scale)


def test_no_variables_have_an_empty_factor_and_zero_has_one():
    assert safe_cholesky(torch.zeros(2, 0, 0)).shape == (2, 0, 0)
    assert (safe_cholesky(torch.zeros(1, 1)) > 0).all()


def test_a_negative_matrix_is_refused():
    with pytest.raises(torch.linalg.LinAlgError):
        safe_cholesky(-torch.eye(2))
