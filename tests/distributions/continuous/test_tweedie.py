"""The Tweedie distribution, of which no law takes the integral: it has a mass at zero."""

import math

import pytest
import torch

import virgil.distributions as dist


def numbers(*values):
    return torch.tensor(values, dtype=torch.double)


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
@pytest.mark.parametrize("dispersion", [0.2, 2.0])
def test_mass_and_density_sum_to_one_and_to_the_moments(power, dispersion):
    fn = dist.Tweedie(numbers(1.5), dispersion, power)
    u = torch.linspace(-40.0, 6.0, 20_001, dtype=torch.double)
    x = u.exp()
    mass = fn.log_prob(x).exp() * x * (46.0 / 20_000)
    at_zero = fn.log_prob(numbers(0.0)).exp().item()
    if power < 1.9:  # else the density rises to infinity at zero, beyond the grid
        assert mass.sum().item() + at_zero == pytest.approx(1.0, abs=1e-6)
    assert (mass * x).sum().item() == pytest.approx(1.5, rel=1e-6)
    assert (mass * x**2).sum().item() - 1.5**2 == pytest.approx(dispersion * 1.5**power, rel=1e-6)


def test_a_sum_of_many_terms_is_taken_in_strides():
    """Against the sum of all terms, of which there are 6e4."""
    mean, dispersion, power = 1000.0, 0.001, 1.5
    rate, shape, scale = mean**0.5 / (dispersion * 0.5), 1.0, dispersion * 0.5 * mean**0.5
    n = torch.arange(1, 200_000, dtype=torch.double)
    for y in (900.0, 1000.0, 1010.0):
        poisson = n * math.log(rate) - rate - torch.lgamma(n + 1)
        gamma = (n * shape - 1) * math.log(y) - y / scale - torch.lgamma(n * shape) - n * shape * math.log(scale)
        expected = torch.logsumexp(poisson + gamma, 0).item()
        assert dist.Tweedie(numbers(mean), dispersion, power).log_prob(numbers(y)).item() == pytest.approx(
            expected, rel=1e-8, abs=1e-8
        )
