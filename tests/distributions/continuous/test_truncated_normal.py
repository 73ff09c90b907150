"""Normal numbers on an interval: far out in the tails, on narrow intervals, and at the ends."""

import math

import mpmath as mp
import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from tests.laws.exact_formulas import normal, normal_mass
from virgil.errors import ArgumentError

INF = math.inf
INTERVALS = [
    (38.0, INF), (-INF, -38.0), (1e4, INF), (1e4, 1e4 + 1e-5), (-1e-9, 3e-9), (1e-9, 2e-9), (-40.0, 1.0), (30.0, 30.03),
    (5.0, 5.2), (-0.001, INF), (2.0, 30.0), (0.0, 1.0),
]  # fmt: skip
each_interval = pytest.mark.parametrize(("low", "high"), INTERVALS)


def made(low, high, loc=0.0):
    double = [torch.tensor(each, dtype=torch.double) for each in (loc, 1.0, low, high)]
    return dist.TruncatedNormal(*double)


def inside(low, high):
    low, high = (low if low > -INF else high - 3.0), (high if high < INF else low + 3.0)
    low, high = max(low, -8.0 + min(0.0, high)), min(high, 8.0 + max(0.0, low))
    return [low, high] + [low + share * (high - low) for share in (0.1, 0.5, 0.7)]


@each_interval
def test_log_densities_have_ten_digits(low, high):
    fn, mass = made(low, high), normal_mass(mp.mpf(low), mp.mpf(high))
    for x in inside(low, high):
        expected = normal(mp.mpf(x), 0, 1) - mp.log(mass)
        assert fn.log_prob(torch.tensor(x, dtype=torch.double)).item() == pytest.approx(float(expected), rel=1e-10)


@each_interval
def test_distribution_functions_and_quantiles_have_ten_digits(low, high):
    fn, whole = made(low, high), normal_mass(mp.mpf(low), mp.mpf(high))
    for x in inside(low, high):
        value = torch.tensor(x, dtype=torch.double)
        share = fn.cdf(value)
        expected = float(normal_mass(mp.mpf(low), mp.mpf(x)) / whole)
        assert share.item() == pytest.approx(expected, rel=1e-10, abs=1e-15)
        if 1e-8 < expected < 1 - 1e-8:
            # a rounding of the share moves the quantile by this
            slack = 4e-16 / fn.log_prob(value).exp().item() + 4e-16 * abs(x)
            assert fn.icdf(share).item() == pytest.approx(x, rel=1e-12, abs=slack + 1e-15)


@each_interval
def test_moments_and_entropies_are_the_closed_forms(low, high):
    """Those lose digits, of which mpmath has 80."""
    fn, mass = made(low, high), normal_mass(mp.mpf(low), mp.mpf(high))
    at_low, at_high = (mp.npdf(each) / mass if abs(each) < INF else mp.mpf(0) for each in (mp.mpf(low), mp.mpf(high)))
    moved = (low * at_low if at_low else 0) - (high * at_high if at_high else 0)
    mean = at_low - at_high
    variance = 1 + moved - mean**2
    entropy = mp.log(mass) + mp.log(2 * mp.pi * mp.e) / 2 + moved / 2
    assert fn.mean.item() == pytest.approx(float(mean), rel=1e-12, abs=1e-12)
    assert fn.variance.item() == pytest.approx(float(variance), rel=1e-10)
    assert fn.entropy().item() == pytest.approx(float(entropy), rel=1e-10)


@pytest.mark.parametrize(("low", "high"), [(38.0, INF), (-INF, -5.0), (-0.5, 2.0), (3.0, 3.5)])
def test_draws_are_of_the_distribution_function(low, high):
    """Kolmogorov and Smirnov's distance of 2,000 draws; a false alarm has probability 1e-5."""
    torch.manual_seed(0)
    fn = made(low, high)
    draws = fn.sample((2000,))
    assert stats.kstest(fn.cdf(draws).numpy(), "uniform").pvalue > 1e-5


def test_derivatives_of_draws_in_the_tail_are_those_of_the_quantile():
    share = torch.tensor([0.01, 0.5, 0.99], dtype=torch.double)
    params = [torch.tensor(each, dtype=torch.double, requires_grad=True) for each in (1.0, 0.7, 12.0, 15.0)]

    def quantiles(*args):
        return dist.TruncatedNormal(*args).icdf(share)

    assert torch.autograd.gradcheck(quantiles, params, eps=1e-6, atol=1e-8, rtol=1e-6)


def test_bounds_may_be_missing_infinite_or_mixed():
    low = torch.tensor([-INF, 0.5], dtype=torch.double, requires_grad=True)
    high = torch.tensor([1.0, INF], dtype=torch.double, requires_grad=True)
    loc = torch.tensor(0.2, dtype=torch.double, requires_grad=True)
    fn = dist.TruncatedNormal(loc, 1.0, low, high)
    x = torch.tensor([0.3, 0.7], dtype=torch.double)
    expected = [
        dist.TruncatedNormal(loc, 1.0, high=1.0).log_prob(x[0]),
        dist.TruncatedNormal(loc, 1.0, low=0.5).log_prob(x[1]),
    ]
    torch.testing.assert_close(fn.log_prob(x), torch.stack(expected))
    for value in (fn.log_prob(x), fn.rsample(), fn.mean, fn.variance):
        assert all(each.isfinite().all() for each in torch.autograd.grad(value.sum(), (loc, low, high)))
    whole = dist.TruncatedNormal(loc, 2.0)
    torch.testing.assert_close(whole.log_prob(x), dist.Normal(loc, 2.0).log_prob(x))
    assert repr(whole.support) == "Real()"


def test_a_value_outside_has_no_mass():
    fn = dist.TruncatedNormal(0.0, 1.0, -1.0, 2.0, validate_args=False)
    assert (fn.log_prob(torch.tensor([-1.5, 2.5])) == -INF).all()
    assert fn.cdf(torch.tensor([-1.5, 2.5])).tolist() == [0.0, 1.0]
    assert fn.mode == 0
    assert dist.TruncatedNormal(0.0, 1.0, low=3.0).mode == 3


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(ArgumentError, match="TruncatedNormal got low=.* and high=.*; each low must be below its high"):
        dist.TruncatedNormal(0.0, 1.0, low=2.0, high=1.0)
