import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.approximation import programs
from virgil.errors import ArgumentError
from virgil.infer import Pathfinder
from virgil.infer.approximation.pathfinder import normals_along
from virgil.ops.limited_memory_bfgs import limited_memory_bfgs


def test_the_last_normal_on_a_quadratic_is_near_the_quadratic():
    """After as many steps as there are entries the secant equations hold for each of the last ones."""
    precision = torch.diag(torch.tensor([1.0, 3.0, 9.0], dtype=torch.float64))
    path = limited_memory_bfgs(lambda x: (float(x @ precision @ x) / 2, precision @ x), torch.ones(3).double())
    loc, factor = list(normals_along(path))[-1]
    assert torch.allclose(loc, torch.zeros(3, dtype=torch.float64), atol=1e-4)
    s, z = path.places[-1] - path.places[-2], path.gradients[-1] - path.gradients[-2]
    assert torch.allclose(factor @ factor.T @ z, s, rtol=1e-6, atol=1e-12)


def test_resampled_draws_have_the_moments_of_a_normal_posterior():
    X, y = programs.design()
    mean, covariance = programs.regression_posterior(X, y)
    fit = Pathfinder(programs.regression).run(X, y)
    draws = fit.draws(10_000, method="importance", seed=0)["weights"].double()
    sd = covariance.diagonal().sqrt()
    assert bool(((draws.mean(0) - mean).abs() < 0.1 * sd).all())
    assert torch.allclose(draws.std(0), sd, rtol=0.1)
    assert fit.evaluations.products == 0
    assert fit.stopped == "its paths are at their ends"


def test_two_modes_are_both_there():
    def two(scale):
        x = virgil.sample("x", dist.Normal(0.0, 10.0))
        left, right = dist.Normal(-1.5, scale).log_prob(x), dist.Normal(1.5, scale).log_prob(x)
        virgil.factor("modes", torch.logaddexp(math.log(0.3) + left, math.log(0.7) + right))

    fit = Pathfinder(two, starts=8).run(torch.tensor(0.3))
    draws = fit.draws(10_000, method="importance", seed=0)["x"]
    assert float((draws > 0).double().mean()) == pytest.approx(0.7, abs=0.05)


def test_discrete_variables_are_summed_out():
    x = torch.randn(40, generator=torch.Generator().manual_seed(0)) + torch.tensor([0.0, 3.0]).repeat(20)
    fit = Pathfinder(programs.mixture).run(x)
    assert fit.draws(7)["place"].shape == (7,)
    assert fit.check(draws=500, modes=False).k_hat < 0.7


def test_a_model_that_cannot_be_called_is_refused():
    with pytest.raises(ArgumentError, match="Pathfinder got model=3, which cannot be called"):
        Pathfinder(3)
