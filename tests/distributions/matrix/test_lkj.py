"""LKJ over correlation matrices is the image of LKJ over their Cholesky factors, and its draws have derivatives.

Means are compared with five standard errors of the mean of 4,000 draws: 5 comparisons fail by chance with probability
3e-6. Seeds are fixed.
"""

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions.transforms import CorrMatrixTransform
from virgil.errors import ArgumentError

CONCENTRATION = torch.tensor([0.4, 1.0, 3.5], dtype=torch.double)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


def test_the_density_is_that_of_factors_over_the_jacobian():
    factors = dist.LKJCholesky(4, CONCENTRATION)
    image = dist.TransformedDistribution(factors, CorrMatrixTransform())
    fn = dist.LKJ(4, CONCENTRATION)
    x = fn.sample((20,))
    torch.testing.assert_close(fn.log_prob(x), image.log_prob(x))
    assert fn.support.check(x).all()


def test_the_mean_of_log_determinants_and_its_derivative_are_exact():
    many = CONCENTRATION.expand(4000, 3).clone().requires_grad_()
    fn = dist.LKJ(3, many)
    x = fn.rsample()
    log_det = torch.linalg.slogdet(x).logabsdet
    (slopes,) = torch.autograd.grad(log_det.sum(), many)
    exact = CONCENTRATION.clone().requires_grad_()
    whole = exact.unsqueeze(-1) + 1  # each row's squared diagonal is Beta(whole - k / 2, k / 2)
    mean = (torch.digamma(whole - torch.tensor([0.5, 1.0])) - torch.digamma(whole)).sum(-1)
    (slope,) = torch.autograd.grad(mean.sum(), exact)
    assert ((log_det.mean(0) - mean).abs() <= 5 * log_det.std(0) / 4000**0.5).all()
    assert ((slopes.mean(0) - slope).abs() <= 5 * slopes.std(0) / 4000**0.5).all()


def test_the_entropy_is_the_mean_of_minus_log_density():
    fn = dist.LKJ(3, CONCENTRATION)
    surprise = -fn.log_prob(fn.sample((4000,)))
    assert ((surprise.mean(0) - fn.entropy()).abs() <= 5 * surprise.std(0) / 4000**0.5 + 1e-9).all()


def test_there_is_one_mode_above_one():
    assert dist.LKJ(3, CONCENTRATION).mode[..., 0, 0].isnan().tolist() == [True, True, False]


def test_one_row_is_refused():
    with pytest.raises(ArgumentError, match="takes a number of rows, 2 or more"):
        dist.LKJ(1)
