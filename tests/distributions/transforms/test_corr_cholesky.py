"""Cholesky factors of correlation matrices from real vectors: against torch's formula and automatic differentiation."""

import math

import pytest
import torch

from virgil.distributions import constraints
from virgil.distributions.transforms import biject_to


@pytest.mark.parametrize("size", [2, 3, 5])
def test_correlation_factors_from_real_vectors(size):
    torch.manual_seed(0)
    length = size * (size - 1) // 2
    to = biject_to(constraints.corr_cholesky)
    x = torch.randn(4, length, dtype=torch.double)
    factor = to(x)
    assert constraints.corr_cholesky.check(factor).all()
    torch.testing.assert_close(to.inv(factor), x)
    torch.testing.assert_close(factor[..., 1, 0], x[..., 0].tanh())
    torch.testing.assert_close(factor, torch.distributions.transforms.CorrCholeskyTransform()(x))
    rows, columns = torch.tril_indices(size, size, -1)
    for one, log_det in zip(x, to.log_abs_det_jacobian(x, factor), strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda u: to(u)[rows, columns], one)
        torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet)


def test_correlations_near_one_keep_their_coordinates():
    x = torch.tensor([12.0, -15.0, 9.0], requires_grad=True)
    to = biject_to(constraints.corr_cholesky)
    factor = to(x)
    assert (factor.diagonal() > 0).all()
    torch.testing.assert_close(to.inv(factor), x)
    log_det = to.log_abs_det_jacobian(x, factor)
    assert log_det.item() == pytest.approx(-2 * (12 + 15 + 9) - 15 + 7 * math.log(2.0), rel=1e-6)
    assert torch.autograd.grad(log_det + factor.sum(), x)[0].isfinite().all()
