import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

import virgil
import virgil.distributions as dist
from tests.infer.approximation import programs
from virgil.distributions import constraints
from virgil.errors import ArgumentError
from virgil.infer import DADVI, SVI, Trace_ELBO
from virgil.infer.approximation.linear_response import linear_response
from virgil.infer.approximation.mean_field import MeanField, fixed_noise, improved
from virgil.infer.approximation.posterior import surface_of_model
from virgil.infer.autoguide import AutoMultivariateNormal, AutoNormal, init_to_feasible
from virgil.optim import Adam
from virgil.params import ParamStore


def test_fixed_draws_have_the_moments_of_the_standard_normal():
    noise = fixed_noise(64, 20, 0)
    assert torch.allclose(noise.mean(0), torch.zeros(20).double(), atol=1e-12)
    assert torch.allclose(noise.T @ noise / 64, torch.eye(20).double(), atol=1e-12)
    assert torch.allclose(fixed_noise(8, 20, 0).square().mean(0), torch.ones(20).double())
    assert torch.equal(fixed_noise(64, 20, 0), noise)


def test_a_normal_posterior_has_its_exact_mean_the_best_scales_and_by_linear_response_its_covariance():
    X, y = programs.design()
    mean, covariance = programs.regression_posterior(X, y)
    fit = DADVI(programs.regression).run(X, y)
    own, corrected = fit.covariance(), fit.covariance(method="linear-response")
    assert torch.allclose(own.mean, mean, atol=2e-4 * float(covariance.diagonal().max().sqrt()))
    assert torch.allclose(own.sd, torch.linalg.inv(covariance).diagonal().rsqrt(), rtol=1e-3)
    assert torch.allclose(corrected.matrix, covariance, rtol=1e-8)
    assert torch.equal(own.sampling_sd, torch.zeros(3, dtype=torch.float64))


def test_the_loss_is_minus_the_bound():
    """KL of independent normals from a normal with one mean: half the log of the product of variances' ratios."""
    X, y = programs.design()
    mean, covariance = programs.regression_posterior(X, y)
    precision = torch.linalg.inv(covariance)
    log_p = stats.norm.logpdf(y.double(), X.double() @ mean, 0.5).sum() + stats.norm.logpdf(mean, 0.0, 2.0).sum()
    evidence = float(log_p - stats.multivariate_normal.logpdf(mean, mean, covariance))
    gap = 0.5 * float(precision.diagonal().log().sum() - torch.logdet(precision))
    fit = DADVI(programs.regression).run(X, y)
    assert float(fit.losses[-1]) == pytest.approx(gap - evidence, abs=1e-6)
    assert fit.evaluations.gradients > 0
    assert fit.evaluations.products > 0
    assert fit.stopped == "another step of Newton's method would change nothing"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_hierarchy_with_plates(dtype):
    y = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    mean, covariance = programs.hierarchy_posterior(y)
    fit = DADVI(programs.hierarchy).run(y)
    found = fit.covariance(method="linear-response")
    assert found.sites == {"mu": slice(0, 1), "theta": slice(1, 5)}
    assert torch.allclose(found.mean, mean, atol=1e-4)
    assert torch.allclose(found.matrix, covariance, rtol=1e-6)
    draws = fit.draws(20_000, method="linear-response", seed=0)
    assert draws["theta"].shape == (20_000, 4)
    # five standard errors
    assert abs(float(draws["mu"].std()) / float(covariance[0, 0]) ** 0.5 - 1) < 5 / (2 * 20_000) ** 0.5
    assert fit.draws(10, seed=0)["theta"].shape == (10, 4)


def test_conjugate_gradients_give_the_covariance_of_the_dense_matrix():
    y = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    _, covariance = programs.hierarchy_posterior(y)
    surface = surface_of_model(programs.hierarchy, (y,), {}, init_to_feasible)
    noise = fixed_noise(16, surface.dim, 0)
    begun = MeanField(torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64))
    fit = improved(surface, noise, begun)
    assert fit.arrived
    for dense in (True, False):
        found = linear_response(surface, noise, fit, [3, 0], dense=dense)
        assert torch.allclose(found.covariance, covariance[[3, 0]][:, [3, 0]], rtol=1e-6)


def test_a_positive_variable():
    """A gamma posterior of shape 52: its logarithm has the mean digamma(52) - log(11) and variance trigamma(52)."""
    x = torch.tensor([5.0] * 10)
    fit = DADVI(programs.counts).run(x)
    found = fit.covariance(method="linear-response")
    sd = special.polygamma(1, 52.0) ** 0.5
    assert abs(float(found.mean) - (special.digamma(52.0) - np.log(11.0))) < 0.01 * sd
    assert float(found.sd) == pytest.approx(sd, rel=0.01)
    draws = fit.draws(1000, method="linear-response", seed=1)["rate"]
    assert bool((draws > 0).all())
    assert draws.dtype == torch.float32


def test_logistic_regression_against_quadrature():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(60, generator=generator, dtype=torch.float64)
    y = (torch.rand(60, generator=generator) < torch.sigmoid(x)).double()

    def density(slope):
        log_odds = slope * x.numpy()
        log_likelihood = (y.numpy() * log_odds - np.logaddexp(0, log_odds)).sum()
        return np.exp(log_likelihood + 35 + stats.norm.logpdf(slope, 0, 2))

    total, mean, square = (integrate.quad(lambda w, k=k: w**k * density(w), -2, 6, points=[1.0])[0] for k in range(3))
    mean, sd = mean / total, (square / total - (mean / total) ** 2) ** 0.5
    found = DADVI(programs.logistic).run(x, y).covariance(method="linear-response")
    assert abs(float(found.mean) - mean) < 0.02 * sd
    assert float(found.sd) == pytest.approx(sd, rel=0.02)


def test_discrete_variables_are_summed_out():
    x = torch.randn(40, generator=torch.Generator().manual_seed(0)) + torch.tensor([0.0, 3.0]).repeat(20)

    def density(place):
        each = 0.3 * stats.norm.pdf(x.numpy(), 0, 1) + 0.7 * stats.norm.pdf(x.numpy(), place, 1)
        return np.exp(np.log(each).sum() + 80) * stats.norm.pdf(place, 0, 3)

    total, mean, square = (integrate.quad(lambda p, k=k: p**k * density(p), 0, 6, points=[3.0])[0] for k in range(3))
    mean, sd = mean / total, (square / total - (mean / total) ** 2) ** 0.5
    fit = DADVI(programs.mixture).run(x)
    found = fit.covariance(method="linear-response")
    assert abs(float(found.mean) - mean) < 0.05 * sd
    assert float(found.sd) == pytest.approx(sd, rel=0.05)
    assert list(fit.draws(5)) == ["place"]


def test_a_simplex():
    fit = DADVI(programs.shares).run(torch.tensor([10.0, 20.0, 30.0]))
    draws = fit.draws(20_000, method="linear-response", seed=0)["share"].double()
    exact = stats.dirichlet([11.0, 21.0, 31.0])
    sd = torch.tensor(exact.var()).sqrt()
    assert bool(((draws.mean(0) - torch.tensor(exact.mean())).abs() < 0.1 * sd).all())
    assert torch.allclose(draws.std(0), sd, rtol=0.05)


def test_slots_that_are_observed_by_a_mask_have_no_entries():
    """The mean is N(m, 1 / 3) given two observations; the latent slot has its mean and one more variance."""

    def model(x, mask):
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("data", len(x)):
            virgil.sample("x", dist.Normal(mu, 1.0), obs=x, obs_mask=mask)

    fit = DADVI(model).run(torch.tensor([1.0, 0.0, 2.0]), torch.tensor([True, False, True]))
    found = fit.covariance(method="linear-response")
    assert torch.allclose(found.mean, torch.ones(2, dtype=torch.float64), atol=1e-4)
    expected = torch.tensor([[1 / 3, 1 / 3], [1 / 3, 4 / 3]], dtype=torch.float64)
    assert torch.allclose(found.matrix, expected, rtol=1e-6)


def test_parameters_of_the_model_stay_as_they_are_in_the_store_that_is_given():
    def model(x):
        scale = virgil.param("scale", torch.tensor(2.0), constraint=constraints.positive)
        mu = virgil.sample("mu", dist.Normal(0.0, scale))
        virgil.sample("x", dist.Normal(mu, 1.0), obs=x)

    store = ParamStore()
    fit = DADVI(model, params=store).run(torch.tensor(5.0))
    assert sorted(store) == ["AutoNormal.locs.mu", "AutoNormal.scales.mu", "scale"]
    assert not list(virgil.get_param_store())
    assert float(store["scale"].detach()) == pytest.approx(2.0)
    assert float(fit.params["AutoNormal.locs.mu"]) == pytest.approx(4.0, abs=1e-4)
    assert float(fit.covariance().sd) == pytest.approx(0.8**0.5, rel=1e-4)


def test_a_fit_of_svi_is_corrected_from_where_it_is():
    X, y = programs.design()
    _, covariance = programs.regression_posterior(X, y)
    for family in (AutoNormal, AutoMultivariateNormal):
        fit = SVI(programs.regression, family(programs.regression), Adam({"lr": 0.05}), Trace_ELBO()).run(
            3, X, y, progress=False
        )
        assert torch.allclose(fit.covariance(method="linear-response").matrix, covariance, rtol=1e-6)


def test_the_fit_answers_as_that_of_a_run_does():
    y = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    fit = DADVI(programs.hierarchy).run(y)
    check = fit.check(draws=500, modes=False)
    assert check.convergence is None
    assert check.weights is not None
    assert set(fit.to_arviz(num_samples=50, seed=0).posterior.data_vars) == {"mu", "theta"}
    assert "products with Hessians" in fit.summary()
    with pytest.raises(ArgumentError, match="no further steps to take"):
        fit.check(steps=100)
    assert float(fit.params["AutoNormal.locs.mu"]) == pytest.approx(float(fit.covariance().mean[0]), abs=1e-6)


def test_random_generators_are_where_they_were_but_for_the_guides_seed():
    y = torch.randn(5, 4)
    virgil.set_rng_seed(0)
    first = DADVI(programs.hierarchy).run(y)
    virgil.set_rng_seed(1)
    second = DADVI(programs.hierarchy).run(y)
    assert all(torch.equal(first.params[name], second.params[name]) for name in first.params)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DADVI(programs.hierarchy, num_draws=3), "num_draws=3; it takes an even number"),
        (lambda: DADVI(programs.hierarchy, starts=0), "starts=0; it takes a whole number"),
        (lambda: DADVI("model"), "cannot be called"),
        (lambda: DADVI(programs.moving_support).run(), "At site 'place' the support depends on other"),
        (lambda: DADVI(lambda: virgil.sample("n", dist.Poisson(1.0))).run(), "discrete"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_methods_and_sites_are_known():
    y = torch.randn(5, 4)
    fit = DADVI(programs.hierarchy).run(y)
    with pytest.raises(ArgumentError, match=r"covariance\(\) got method='linear'"):
        fit.covariance(method="linear")
    with pytest.raises(ArgumentError, match="the site 'mo', which has no entries"):
        fit.covariance(sites=["mo"])
    with pytest.raises(ArgumentError, match=r"draws\(\) got method='exact'"):
        fit.draws(method="exact")
    with pytest.raises(ArgumentError, match="num=0"):
        fit.draws(0, method="linear-response")
    assert fit.covariance(sites=["theta"], method="linear-response").matrix.shape == (4, 4)
