"""A simulator and a formula for its density."""

import math

import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import SVI, Trace_ELBO
from virgil.optim import Adam


def sum_of_two(rate):
    """The sum of two exponential times, which is of a gamma distribution of shape 2."""
    return dist.CompoundDistribution(
        lambda noise: noise.sum(-1) / rate,
        lambda x: 2 * rate.log() + x.log() - rate * x,
        dist.Exponential(torch.ones(2)).to_event(1),
        support=constraints.positive,
    )


def test_draws_are_of_the_density():
    """Kolmogorov and Smirnov's distance of 5,000 draws; a false alarm has probability 1e-5."""
    torch.manual_seed(0)
    rate = torch.tensor([0.5, 3.0])
    fn = sum_of_two(rate)
    assert fn.batch_shape == (2,)
    draws = fn.expand((3, 2)).sample((1000,))
    assert draws.shape == (1000, 3, 2)
    for entry in range(2):
        exact = stats.gamma(2, scale=1 / float(rate[entry]))
        assert stats.kstest(draws[..., entry].flatten().numpy(), exact.cdf).pvalue > 1e-5
        expected = torch.as_tensor(exact.logpdf([0.1, 2.0]), dtype=torch.float)
        torch.testing.assert_close(fn.log_prob(torch.tensor([[0.1], [2.0]]))[:, entry], expected)


def test_a_discrete_output_has_no_pathwise_derivative():
    fn = dist.CompoundDistribution(
        lambda noise: (noise[..., 0] < 0.3).float() + (noise[..., 1] < 0.3).float(),
        dist.Binomial(2, torch.tensor(0.3)).log_prob,
        dist.Uniform(torch.zeros(2), 1.0).to_event(1),
        support=constraints.integer_interval(0, 2),
    )
    assert not fn.has_rsample
    torch.manual_seed(0)
    ones = int((fn.sample((2000,)) == 1).sum())
    assert 1e-5 < stats.binom(2000, 0.42).cdf(ones) < 1 - 1e-5  # a false alarm has probability 2e-5
    assert fn.expand((3,)).has_rsample is False


def test_the_rate_that_fits_best_is_that_of_the_likelihood():
    """Of gamma observations of shape 2 it is 2 over their mean."""
    data = torch.tensor([0.5, 1.0, 2.5])

    def model():
        rate = virgil.param("rate", torch.tensor(1.0), constraint=constraints.positive)
        with virgil.plate("data", 3):
            virgil.sample("times", sum_of_two(rate), obs=data)

    svi = SVI(model, lambda: None, Adam({"lr": 0.05}), Trace_ELBO())
    for _ in range(300):
        svi.step()
    assert virgil.param("rate").item() == pytest.approx(2 / (4 / 3), rel=1e-3)


def test_events_may_have_dims():
    fn = dist.CompoundDistribution(
        lambda noise: noise.cumsum(-1),
        lambda x: dist.Normal(0.0, 1.0).log_prob(torch.cat([x[..., :1], x.diff(dim=-1)], -1)).sum(-1),
        dist.Normal(torch.zeros(4), 1.0).to_event(1),
        support=constraints.real_vector,
    )
    assert (fn.batch_shape, fn.event_shape) == ((), (4,))
    assert fn.log_prob(torch.ones(4)).item() == pytest.approx(-0.5 - 2 * math.log(2 * math.pi))
    assert fn.rsample((3,)).shape == (3, 4)


def test_what_does_not_fit_is_refused():
    noise = dist.Normal(torch.zeros(2), 1.0)
    with pytest.raises(ShapeError, match="Call to_event on noise of which one output is made"):
        dist.CompoundDistribution(lambda noise: noise.sum(-1), torch.zeros_like, noise)
    with pytest.raises(ShapeError, match="Let the program return whole events"):
        dist.CompoundDistribution(
            lambda noise: noise.sum(-1), torch.zeros_like, noise.to_event(1), support=constraints.simplex
        )
    with pytest.raises(ArgumentError, match="depends on values that it does not know"):
        dist.CompoundDistribution(lambda noise: noise, torch.zeros_like, noise, support=constraints.dependent)
