"""Readings outside a range have the mass of the tail."""

import math

import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import SVI, Trace_ELBO
from virgil.optim import Adam

INF = math.inf


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.double)


@pytest.mark.parametrize(
    ("base", "reference"),
    [
        (dist.Normal(*double(0.5, 1.3)), stats.norm(0.5, 1.3)),
        (dist.Gumbel(*double(0.5, 1.3)), stats.gumbel_r(0.5, 1.3)),
        (dist.LogNormal(*double(0.5, 1.3)), stats.lognorm(1.3, scale=math.exp(0.5))),
        (dist.Kumaraswamy(*double(1.0, 2.0)), stats.beta(1, 2)),
    ],
    ids=["Normal", "Gumbel", "LogNormal", "Kumaraswamy"],
)
def test_a_value_has_its_density_or_the_mass_beyond_the_bound(base, reference):
    fn = dist.Censored(base, 0.2, 0.9)
    x = double(0.1, 0.2, 0.3, 0.7, 0.9, 0.95)
    expected = (
        [reference.logcdf(0.2)] * 2 + [reference.logpdf(each) for each in (0.3, 0.7)] + [reference.logsf(0.9)] * 2
    )
    torch.testing.assert_close(fn.log_prob(x), double(*expected))
    torch.testing.assert_close(fn.cdf(x), double(0.0, *reference.cdf([0.2, 0.3, 0.7]), 1.0, 1.0))
    inner = double(*[0.2 + 0.7 * (step + 0.5) / 2000 for step in range(2000)])
    total = fn.log_prob(inner).exp().mean() * 0.7 + fn.log_prob(double(0.2, 0.9)).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-6)


def test_masses_of_tails_keep_their_digits():
    fn = dist.Censored(dist.Normal(0.0, 1.0), -30.0, 40.0)
    torch.testing.assert_close(
        fn.log_prob(torch.tensor([-31.0, 41.0])),
        torch.tensor([stats.norm.logcdf(-30.0), stats.norm.logsf(40.0)], dtype=torch.float),
    )


@pytest.mark.parametrize("high", [3.0, 2.5])
def test_of_counts_the_bound_counts_too(high):
    fn = dist.Censored(dist.Poisson(double(2.0)), high=high)
    expected = stats.poisson(2.0).logsf(math.ceil(high) - 1)
    assert fn.log_prob(double(5.0)).item() == pytest.approx(expected)
    assert fn.log_prob(double(2.0)).item() == pytest.approx(stats.poisson(2.0).logpmf(2))
    geometric = dist.Censored(dist.Geometric(double(0.3)), high=double(4.0))
    assert geometric.log_prob(double(4.0)).item() == pytest.approx(4 * math.log(0.7))


def test_bounds_may_be_missing_for_some_entries():
    loc = double(0.1, 0.2, 0.3).requires_grad_()
    fn = dist.Censored(dist.Normal(loc, 1.0), low=double(-INF, 0.0, -INF), high=double(1.0, INF, INF))
    value = fn.log_prob(double(1.0, 0.0, 5.0))
    exact = stats.norm()
    torch.testing.assert_close(
        value, double(exact.logsf(0.9), exact.logcdf(-0.2), exact.logpdf(4.7)), rtol=1e-6, atol=1e-6
    )
    assert torch.autograd.grad(value.sum(), loc)[0].isfinite().all()
    assert dist.Censored(dist.Normal(loc, 1.0)).rsample().shape == (3,)


def test_draws_are_clamped_and_move_inside_alone():
    torch.manual_seed(0)
    loc = double(0.3).requires_grad_()
    high = double(1.0).requires_grad_()
    draws = dist.Censored(dist.Normal(loc, 1.0), double(-0.5), high).rsample((500,))
    assert draws.min() == -0.5
    assert draws.max() == 1
    slope, of_bound = torch.autograd.grad(draws.sum(), (loc, high))
    assert slope == ((draws > -0.5) & (draws < 1)).sum()
    assert of_bound == (draws == 1).sum()


def test_the_rate_of_censored_times_is_events_by_time():
    """The likelihood of n events in a total time t is largest at the rate n / t."""
    ended = torch.tensor([5.0, 2.0, 5.0, 1.0])
    times = torch.tensor([3.0, 2.0, 5.0, 0.5])  # two events in 10.5

    def model():
        rate = virgil.param("rate", torch.tensor(1.0), constraint=dist.constraints.positive)
        with virgil.plate("patients", 4):
            virgil.sample("times", dist.Censored(dist.Exponential(rate), high=ended), obs=times)

    svi = SVI(model, lambda: None, Adam({"lr": 0.05}), Trace_ELBO())
    for _ in range(300):
        svi.step()
    assert virgil.param("rate").item() == pytest.approx(2 / 10.5, rel=1e-3)


def test_what_cannot_be_censored_is_refused():
    with pytest.raises(ShapeError, match="Censored got Independent of event_shape"):
        dist.Censored(dist.Normal(torch.zeros(2), 1.0).to_event(1), 0.0)
    with pytest.raises(ArgumentError, match="Censored got low=.*; each low must be below its high"):
        dist.Censored(dist.Normal(0.0, 1.0), 1.0, -1.0)
