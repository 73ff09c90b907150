import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.approximation import programs
from virgil.errors import ArgumentError
from virgil.infer import Laplace


def test_a_normal_posterior_is_exact():
    X, y = programs.design()
    mean, covariance = programs.regression_posterior(X, y)
    fit = Laplace(programs.regression).run(X, y)
    found = fit.covariance()
    assert torch.allclose(found.mean, mean, atol=1e-4)
    assert torch.allclose(found.matrix, covariance, rtol=1e-5)
    check = fit.check(draws=500, modes=False)
    assert check.k_hat < 0.1


def test_the_mode_and_curvature_of_a_gamma_posterior():
    """Of the logarithm of a Gamma(52, 11) variable: log(52 / 11), and the curvature 52."""
    fit = Laplace(programs.counts).run(torch.tensor([5.0] * 10))
    found = fit.covariance()
    assert float(found.mean) == pytest.approx(math.log(52 / 11), abs=1e-5)
    assert float(found.sd) == pytest.approx(52**-0.5, rel=1e-5)


def test_importance_weights_correct_its_draws():
    fit = Laplace(programs.counts).run(torch.tensor([5.0] * 10))
    draws = fit.draws(10_000, method="importance", seed=0)["rate"]
    # six standard errors of a mean of so many draws, resampled with replacement
    assert abs(float(draws.mean()) - 52 / 11) < 6 * (52**0.5 / 11) * (2 / 10_000) ** 0.5


def test_of_two_modes_the_one_with_more_mass_is_taken():
    def two(scale):
        x = virgil.sample("x", dist.Normal(0.0, 10.0))
        # a high narrow mode at -4, and a lower one at 4 with nine tenths of the mass
        narrow, wide = dist.Normal(-4.0, 0.01).log_prob(x), dist.Normal(4.0, scale).log_prob(x)
        virgil.factor("modes", torch.logaddexp(math.log(0.1) + narrow, math.log(0.9) + wide))

    fit = Laplace(two, starts=8).run(torch.tensor(0.5))
    assert float(fit.covariance().mean) == pytest.approx(4.0, abs=0.05)


def test_a_ridge_is_refused():
    with pytest.raises(ArgumentError, match="Laplace found no mode with a curvature in all directions"):
        Laplace(programs.ridge).run(torch.tensor(1.0))
