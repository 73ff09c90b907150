"""Cauchy numbers on an interval: far out in the tails, and at the ends."""

import math

import mpmath as mp
import pytest
import torch
from scipy import stats

import virgil.distributions as dist

INF = math.inf
INTERVALS = [(1e10, INF), (-INF, -1e6), (1e8, 1e8 + 1.0), (-1e9, 0.5), (1.0, 1.0 + 1e-9), (-INF, INF), (-3.0, 3.0)]
each_interval = pytest.mark.parametrize(("low", "high"), INTERVALS)


def made(low, high):
    return dist.TruncatedCauchy(*(torch.tensor(each, dtype=torch.double) for each in (0.0, 1.0, low, high)))


def shares(low, high):
    """Points of the interval, and the mass below each."""
    whole = mp.atan(high) - mp.atan(low)
    for share in (1e-12, 1e-3, 0.3, 0.5, 0.8, 1 - 1e-6):
        yield share, mp.tan(mp.atan(low) + mp.mpf(share) * whole), whole


@each_interval
def test_densities_and_quantiles_have_ten_digits(low, high):
    fn = made(low, high)
    for share, x, whole in shares(low, high):
        value = torch.tensor(float(x), dtype=torch.double)
        expected = -mp.log1p(mp.mpf(value.item()) ** 2) - mp.log(whole)
        assert fn.log_prob(value).item() == pytest.approx(float(expected), rel=1e-10)
        # near infinity the quantile of a rounded share has fewer digits than the share
        digits = 1e-10 if share < 0.9 else 1e-9
        assert fn.icdf(torch.tensor(share, dtype=torch.double)).item() == pytest.approx(float(x), rel=digits, abs=1e-12)
        exact = (mp.atan(mp.mpf(value.item())) - mp.atan(low)) / whole
        assert fn.cdf(value).item() == pytest.approx(float(exact), rel=1e-10)


@each_interval
def test_draws_are_of_the_distribution_function(low, high):
    """Kolmogorov and Smirnov's distance of 2,000 draws; a false alarm has probability 1e-5."""
    torch.manual_seed(0)
    fn = made(low, high)
    assert stats.kstest(fn.cdf(fn.sample((2000,))).numpy(), "uniform").pvalue > 1e-5


def test_derivatives_of_draws_are_those_of_the_quantile():
    share = torch.tensor([0.01, 0.5, 0.99], dtype=torch.double)
    params = [torch.tensor(each, dtype=torch.double, requires_grad=True) for each in (1.0, 0.7, 12.0, 15.0)]

    def quantiles(*args):
        return dist.TruncatedCauchy(*args).icdf(share)

    assert torch.autograd.gradcheck(quantiles, params, eps=1e-6, atol=1e-8, rtol=1e-6)


def test_moments_exist_between_finite_bounds_only():
    fn = dist.TruncatedCauchy(torch.zeros(2), 1.0, torch.tensor([-1.0, -INF]), torch.tensor([1.0, 2.0]))
    assert fn.mean.isnan().tolist() == [False, True]
    assert fn.variance.isnan().tolist() == [False, True]
    assert fn.variance[0].item() == pytest.approx(4 / math.pi - 1)
    assert fn.mode.tolist() == [0.0, 0.0]
