"""GaussianMRF against the dense normal vector that the product of its factors is."""

import pytest
import torch

import virgil.distributions as dist
from tests.distributions.time_series.dense import normal
from tests.distributions.time_series.test_gaussian_hmm import assert_moments
from virgil.errors import ArgumentError, ShapeError


def product(steps, initial, moves, observed):
    """Mean and covariance of the observations: precisions of factors add up. Two entries are hidden, one is seen."""
    size = 2 * (steps + 1) + steps
    precision, vector = torch.zeros(size, size, dtype=torch.double), torch.zeros(size, dtype=torch.double)
    factors = [([0, 1], initial, None)]
    for step in range(steps):
        before, after = [2 * step, 2 * step + 1], [2 * step + 2, 2 * step + 3]
        factors += [(before + after, moves, step), ([*after, 2 * (steps + 1) + step], observed, step)]
    for places, fn, step in factors:
        index = (step,) if fn.batch_shape else ()
        own = fn.precision_matrix[index]
        precision[torch.tensor(places)[:, None], torch.tensor(places)] += own
        vector[places] += own @ fn.loc[index]
    spread = torch.linalg.inv(precision)
    seen = slice(2 * (steps + 1), None)
    return (spread @ vector)[seen], spread[seen, seen]


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_density_and_moments_are_those_of_the_product(steps, steady):
    torch.manual_seed(steps)
    time = () if steady else (steps,)
    factors = normal(size=2), normal(*time, size=4), normal(*time, size=3)
    value = torch.randn(4, steps, 1, dtype=torch.double)
    mean, spread = product(steps, *factors)
    model = dist.GaussianMRF(*factors)
    expected = dist.MultivariateNormal(mean, spread).log_prob(value.squeeze(-1))
    torch.testing.assert_close(model.log_prob(value), expected, rtol=1e-9, atol=1e-9)
    fixed = model.with_length_of(value[0])
    torch.testing.assert_close(fixed.mean.flatten(), mean)
    torch.testing.assert_close(fixed.variance.flatten(), spread.diagonal())


@pytest.mark.parametrize("steady", [True, False])
def test_missing_observations_are_integrated_out(steady):
    torch.manual_seed(1)
    factors = normal(size=2), normal(5, size=4), normal(*(() if steady else (5,)), size=3)
    seen = torch.tensor([True, False, True, True, False])
    value = torch.randn(3, 5, 1, dtype=torch.double)
    mean, spread = product(5, factors[0], factors[1], factors[2].expand((5,)))
    expected = dist.MultivariateNormal(mean[seen], spread[seen][:, seen]).log_prob(value[:, seen, 0])
    wrong = value.masked_fill(~seen.unsqueeze(-1), 1e6)
    model = dist.GaussianMRF(factors[0], factors[1], factors[2].expand((5,)).mask(seen))
    torch.testing.assert_close(model.log_prob(wrong), expected, rtol=1e-9, atol=1e-9)
    assert model.rsample((2,)).shape == (2, 5, 1)


def test_draws_have_the_moments_of_the_product():
    torch.manual_seed(5)
    factors = normal(size=2), normal(4, size=4), normal(4, size=3)
    model = dist.GaussianMRF(*factors)
    assert_moments(model.rsample((20_000,)).flatten(1), *product(4, *factors))
    assert model.expand((3,)).rsample((2,)).shape == (2, 3, 4, 1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"sizes 2, 3 and 3; they are hidden_dim, 2 \* hidden_dim"):
        dist.GaussianMRF(normal(size=2), normal(size=3), normal(size=3))
    with pytest.raises(ArgumentError, match="transition_dist of GaussianMRF has a mask"):
        dist.GaussianMRF(normal(size=2), normal(4, size=4).mask(torch.ones(4).bool()), normal(size=3))
    entries = dist.Normal(torch.zeros(4, 3), 1.0).mask(torch.ones(4, 3).bool()).to_event(1)
    with pytest.raises(ArgumentError, match="has a mask for single entries"):
        dist.GaussianMRF(normal(size=2), normal(4, size=4), entries)
    with pytest.raises(ArgumentError, match="no number of steps"):
        dist.GaussianMRF(normal(size=2), normal(size=4), normal(size=3)).rsample()


@pytest.mark.parametrize("steady", [True, False])
def test_divergence_is_that_of_the_dense_vectors(steady):
    torch.manual_seed(2)
    time = () if steady else (3,)
    series = [(normal(size=2), normal(*time, size=4), normal(*time, size=3)) for _ in range(2)]
    p, q = (dist.GaussianMRF(*factors).with_length_of(torch.zeros(3, 1)) for factors in series)
    dense = (dist.MultivariateNormal(*product(3, *factors)) for factors in series)
    torch.testing.assert_close(dist.kl_divergence(p, q), dist.kl_divergence(*dense), rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(dist.kl_divergence(p.expand((2,)), q), dist.kl_divergence(p, q).expand(2))


def test_divergences_that_are_not_known():
    factors = normal(size=2), normal(5, size=4), normal(5, size=3)
    model = dist.GaussianMRF(*factors)
    with pytest.raises(NotImplementedError, match="the same number of steps"):
        dist.kl_divergence(model, dist.GaussianMRF(normal(size=2), normal(size=4), normal(size=3)))
    masked = dist.GaussianMRF(factors[0], factors[1], factors[2].mask(torch.ones(5).bool()))
    with pytest.raises(NotImplementedError, match="missing observations"):
        dist.kl_divergence(model, masked)
