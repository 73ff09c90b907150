"""The normal around the posterior's maximum: exact where the posterior is normal, by hand where it is not."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, NonFiniteError
from virgil.infer import Trace_ELBO
from virgil.infer.autoguide import AutoLaplaceApproximation, init_to_value
from virgil.poutine import trace


def at(model, **values):
    """The guide whose point is these values, in double precision."""
    torch.set_default_dtype(torch.float64)
    values = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}
    return AutoLaplaceApproximation(model, init_to_value(values=values))


def regression():
    x = torch.tensor([[1.0, 0.5], [0.0, 1.0], [2.0, -1.0]], dtype=torch.float64)
    y = torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64)
    precision = torch.eye(2, dtype=torch.float64) / 4.0 + x.mT @ x / 0.25

    def model():
        w = virgil.sample("w", dist.Normal(torch.zeros(2), 2.0).to_event(1))
        with virgil.plate("data", 3):
            virgil.sample("y", dist.Normal(x @ w, 0.5), obs=y)

    evidence = dist.MultivariateNormal(torch.zeros(3), x @ x.mT * 4.0 + 0.25 * torch.eye(3, dtype=torch.float64))
    return model, torch.linalg.solve(precision, x.mT @ y / 0.25), torch.linalg.inv(precision), evidence.log_prob(y)


def test_a_normal_posterior_is_found_and_its_elbo_is_the_evidence():
    model, mean, covariance, evidence = regression()
    normal = at(model, w=mean).laplace_approximation()
    torch.testing.assert_close(normal.get_posterior().mean, mean)
    torch.testing.assert_close(normal.get_posterior().covariance_matrix, covariance)
    for _ in range(3):  # in each draw, not on average: the guide is the posterior
        torch.testing.assert_close(-Trace_ELBO().differentiable_loss(model, normal), evidence)


def test_the_curvature_is_that_of_unconstrained_space():
    """Gamma(a, b) by ``u = log z``: log-density ``a u - b exp(u)``, maximal at ``log(a / b)``, curvature ``a``."""
    normal = at(lambda: virgil.sample("z", dist.Gamma(6.0, 2.0)), z=3.0).laplace_approximation()
    torch.testing.assert_close(normal.get_posterior().mean.exp(), torch.tensor([3.0]))
    torch.testing.assert_close(normal.get_posterior().variance, torch.tensor([1.0 / 6.0]))


def test_a_hidden_variable_leaves_no_density():
    def model():
        c = virgil.sample("c", dist.Bernoulli(0.5))
        virgil.sample("x", dist.Normal(2.0 * c - 1.0, 0.5))

    hidden = virgil.poutine.block(model, hide=["c"])
    with pytest.raises(ArgumentError, match="random numbers besides its latent sites"):
        at(hidden, x=1.0).laplace_approximation()


def test_it_says_where_the_point_is_no_maximum():
    """The log-density of a Cauchy is concave within one scale of its middle, and convex outside."""
    guide = at(lambda: virgil.sample("x", dist.StudentT(1.0, 0.0, 1.0)), x=5.0)
    with pytest.raises(NonFiniteError, match="not that of a maximum"):
        guide.laplace_approximation()


def test_a_model_without_latent_sites_has_none():
    with pytest.raises(ArgumentError, match="no latent site"):
        AutoLaplaceApproximation(lambda: None).laplace_approximation()


def test_the_guide_itself_is_a_point():
    guide = at(lambda: virgil.sample("z", dist.Gamma(6.0, 2.0)), z=3.0)
    site = trace(guide).get_trace().nodes["z"]
    torch.testing.assert_close(site.value, torch.tensor(3.0))
    torch.testing.assert_close(site.log_prob, -torch.tensor(3.0).log())  # minus the log volume of exp
    torch.testing.assert_close(guide.median()["z"], torch.tensor(3.0))
    torch.testing.assert_close(guide.quantiles([0.0, 0.5, 1.0])["z"], torch.full((3,), 3.0))
