"""The logistic distribution and its skewed kin, where no law looks."""

import math

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions.core.uniform_draws import open_unit_interval


def test_an_asymmetry_of_one_is_the_logistic():
    x = torch.linspace(-40.0, 40.0, 9)
    plain, skew = dist.Logistic(0.5, 2.0), dist.SkewLogistic(0.5, 2.0)
    torch.testing.assert_close(skew.log_prob(x), plain.log_prob(x))
    torch.testing.assert_close(skew.cdf(x), plain.cdf(x))
    torch.testing.assert_close(skew.mean, plain.mean)
    torch.testing.assert_close(skew.variance, plain.variance)


@pytest.mark.parametrize("asymmetry", [1e-3, 0.5, 1.0, 1e4])
def test_the_quantile_function_inverts_the_distribution_function(asymmetry):
    u = torch.tensor([1e-3, 0.1, 0.5, 0.9], dtype=torch.double)
    fn = dist.SkewLogistic(torch.tensor(1.0, dtype=torch.double), 2.0, asymmetry)
    torch.testing.assert_close(fn.cdf(fn.icdf(u)), u)


def test_quantiles_are_finite_at_the_ends_of_draws():
    ends = torch.tensor([torch.finfo(torch.float).tiny, 1 - torch.finfo(torch.float).eps / 2])
    for fn in (dist.Logistic(0.0, 1.0), dist.SkewLogistic(0.0, 1.0, 1e-3), dist.SkewLogistic(0.0, 1.0, 1e4)):
        assert fn.icdf(ends).isfinite().all()
    draws = open_unit_interval(torch.Size((1000,)), torch.zeros(()))
    assert ((draws > 0) & (draws < 1)).all()


def test_the_entropy_of_the_logistic_is_two_nats_more_than_that_of_its_scale():
    """By quadrature of -p log p over quantiles: the mean of minus log p at evenly spread probabilities."""
    fn = dist.Logistic(torch.tensor(1.0, dtype=torch.double), 3.0)
    u = (torch.arange(200_000, dtype=torch.double) + 0.5) / 200_000
    assert -fn.log_prob(fn.icdf(u)).mean().item() == pytest.approx(fn.entropy().item(), rel=1e-4)
    assert fn.entropy().item() == pytest.approx(math.log(3.0) + 2)
