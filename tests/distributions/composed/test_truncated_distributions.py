"""Distributions on an interval: the tails, missing bounds, and what they refuse."""

import math

import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.optim import Adam

INF = math.inf


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.double)


@pytest.mark.parametrize(("low", "high"), [(12.0, None), (None, -20.0), (8.0, 9.0), (-1.0, 2.0), (-12.0, -11.0)])
def test_a_truncated_normal_has_the_digits_of_its_own_family(low, high):
    base = dist.Normal(*double(0.5, 1.0))
    bounds = {name: torch.tensor(each, dtype=torch.double) for name, each in (("low", low), ("high", high)) if each}
    family = {1: dist.LeftTruncatedDistribution if low else dist.RightTruncatedDistribution}
    fn = family.get(len(bounds), dist.TwoSidedTruncatedDistribution)(base, **bounds)
    exact = dist.TruncatedNormal(*double(0.5, 1.0), **bounds)
    share = double(1e-6, 0.2, 0.5, 0.7, 1 - 1e-6)
    x = exact.icdf(share)
    torch.testing.assert_close(fn.icdf(share), x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(fn.log_prob(x), exact.log_prob(x), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(fn.cdf(x), exact.cdf(x), rtol=1e-8, atol=1e-12)


BASES = {
    "Gumbel": dist.Gumbel(*double(0.3, 0.7)),
    "Exponential": dist.Exponential(torch.tensor(1.7, dtype=torch.double)),
    "HalfCauchy": dist.HalfCauchy(torch.tensor(0.7, dtype=torch.double)),
    "Kumaraswamy": dist.Kumaraswamy(*double(1.7, 2.5)),
}


@pytest.mark.parametrize("name", BASES)
def test_draws_are_of_the_distribution_function(name):
    """Kolmogorov and Smirnov's distance of 2,000 draws; a false alarm has probability 1e-5."""
    torch.manual_seed(0)
    base = BASES[name]
    low, high = double(0.2, 0.9)
    for fn in (dist.LeftTruncatedDistribution(base, low), dist.TwoSidedTruncatedDistribution(base, low, high)):
        end = base.cdf(fn.high) if fn.high < INF else 1.0

        def exact(x, end=end):
            return ((base.cdf(torch.as_tensor(x)) - base.cdf(low)) / (end - base.cdf(low))).numpy()

        assert stats.kstest(fn.sample((2000,)).numpy(), exact).pvalue > 1e-5


def test_bounds_may_be_infinite_for_some_entries():
    loc = double(0.2, 0.2).requires_grad_()
    low, high = double(-INF, 0.5).requires_grad_(), double(1.0, INF).requires_grad_()
    fn = dist.TwoSidedTruncatedDistribution(dist.Normal(loc, 1.0), low, high)
    exact = dist.TruncatedNormal(loc, 1.0, low, high)
    x = double(0.3, 0.7)
    torch.testing.assert_close(fn.log_prob(x), exact.log_prob(x))
    for value in (fn.log_prob(x), fn.rsample(), fn.cdf(x)):
        assert all(each.isfinite().all() for each in torch.autograd.grad(value.sum(), (loc, low, high)))


def test_the_support_is_that_of_both():
    low, high = torch.tensor(-1.0), torch.tensor(5.0)
    fn = dist.TwoSidedTruncatedDistribution(dist.Exponential(1.0), low, high)
    assert fn.support.lower_bound == 0
    assert fn.support.upper_bound == 5
    torch.testing.assert_close(fn.log_prob(torch.tensor(2.0)), torch.tensor(-2.0 - math.log1p(-math.exp(-5.0))))
    assert dist.RightTruncatedDistribution(dist.Exponential(1.0), high).support.lower_bound == 0
    assert dist.LeftTruncatedDistribution(dist.Beta(2.0, 3.0), 0.5).support.upper_bound == 1


def test_a_value_outside_has_no_mass():
    fn = dist.TwoSidedTruncatedDistribution(dist.Laplace(0.0, 1.0), -1.0, 2.0, validate_args=False)
    assert (fn.log_prob(torch.tensor([-1.5, 2.5])) == -INF).all()
    assert fn.cdf(torch.tensor([-1.5, 2.5])).tolist() == [0.0, 1.0]


def test_bounded_variables_have_guides():
    """Also those that are bounded above alone; a draw may be rounded to the bound, which belongs to the support."""

    def model():
        virgil.sample("x", dist.TruncatedNormal(0.0, 1.0, high=torch.tensor(-1.0)))
        virgil.sample("y", dist.RightTruncatedDistribution(dist.Gumbel(0.0, 1.0), 2.0))
        virgil.sample("z", dist.TruncatedCauchy(0.0, 1.0, low=0.5))

    loss = SVI(model, AutoNormal(model), Adam({"lr": 0.01}), Trace_ELBO()).step()
    assert math.isfinite(loss)
    fn = dist.TruncatedNormal(0.0, 1.0, high=-1.0)
    assert fn.log_prob(torch.tensor(-1.0)).isfinite()
    with pytest.raises(ValueError, match="within the support"):
        fn.log_prob(torch.tensor(-0.9))


def test_what_cannot_be_truncated_is_refused():
    with pytest.raises(ShapeError, match="LeftTruncatedDistribution got Independent of event_shape"):
        dist.LeftTruncatedDistribution(dist.Normal(torch.zeros(2), 1.0).to_event(1), 0.0)
    with pytest.raises(ArgumentError, match="RightTruncatedDistribution got Poisson, whose values are discrete"):
        dist.RightTruncatedDistribution(dist.Poisson(2.0), 3.0)
    with pytest.raises(ArgumentError, match="each low must be below its high"):
        dist.TwoSidedTruncatedDistribution(dist.Normal(0.0, 1.0), 1.0, -1.0)
