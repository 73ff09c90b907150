"""The posterior over real vectors: its density against formulas, its derivatives, its maps, and what has no density."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import nn

import virgil
import virgil.distributions as dist
from tests.infer.density.programs import (
    COUNTS,
    DATA,
    PROGRAMS,
    double,
    double_by_default,
    gamma,
    normal,
    normal_density,
    pointed,
)
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError, SiteError
from virgil.infer import SVI, Trace_ELBO, config_enumerate
from virgil.infer.density.draws_at_once import joint_of
from virgil.infer.density.execution import Call
from virgil.infer.density.initialization import init_to_value
from virgil.infer.density.posterior_of import density_of, posterior_of

each = pytest.mark.parametrize("name", PROGRAMS)


def made(name):
    model, args, _ = PROGRAMS[name]
    with double_by_default():  # for a prior without parameters
        density = posterior_of(model, args)
        return density, density.initial(4)


@each
def test_the_density_is_that_of_the_formula(name):
    density, vectors = made(name)
    expected = [PROGRAMS[name][2](row) for row in vectors.numpy()]
    np.testing.assert_allclose(density(vectors).numpy(), expected, rtol=1e-11)
    assert density(vectors[0]).item() == pytest.approx(expected[0], rel=1e-11)


@each
def test_vectors_at_once_and_one_by_one_are_the_same(name):
    density, vectors = made(name)
    assert density.joint.at_once
    values, slopes = density.gradient(vectors)
    for row, value, slope in zip(vectors, values, slopes, strict=True):
        torch.testing.assert_close((value, slope), density.gradient(row), rtol=1e-11, atol=1e-11)


@each
def test_the_gradient_is_that_of_finite_differences(name):
    density, vectors = made(name)
    assert torch.autograd.gradcheck(density, vectors[:2].requires_grad_())


@each
def test_values_and_vectors_are_inverse(name):
    density, vectors = made(name)
    values = density.values(vectors)
    torch.testing.assert_close(density.vectors(values), vectors, rtol=1e-9, atol=1e-9)
    one = density.values(vectors[0])
    assert all(torch.equal(one[name], value[0]) for name, value in values.items())
    assert len(density.names) == density.dim == vectors.shape[1]


JACOBIANS = {
    "simplex": (lambda: dist.Dirichlet(double([2.0, 1.0, 3.0])), lambda value: value[:-1]),
    "correlation": (lambda: dist.LKJCholesky(3, double(2.0)), lambda value: value[[1, 2, 2], [0, 0, 1]]),
    "covariance": (
        lambda: dist.Wishart(double(4.0), torch.eye(2, dtype=torch.float64)),
        lambda value: value[[0, 1, 1], [0, 0, 1]],
    ),
    "positive": (lambda: dist.Weibull(double([1.5, 2.0]), 2.0).to_event(1), lambda value: value),
    "bounded below": (lambda: dist.Pareto(double([1.5, 2.0]), 2.0).to_event(1), lambda value: value),
}


@pytest.mark.parametrize("name", JACOBIANS)
def test_the_volume_is_that_of_the_bijections_derivative(name):
    """Against the determinant of the derivative of the free coordinates of a value, by automatic differentiation."""
    family, free = JACOBIANS[name]
    density = posterior_of(lambda: virgil.sample("z", family()))
    for vector in density.initial(3):
        slope = torch.autograd.functional.jacobian(lambda u: free(density.values(u)["z"]), vector)
        expected = family().log_prob(density.values(vector)["z"]) + torch.linalg.slogdet(slope).logabsdet
        torch.testing.assert_close(density(vector), expected, rtol=1e-10, atol=1e-10)


def test_a_density_of_a_simplex_has_an_integral_of_one():
    density = posterior_of(lambda: virgil.sample("z", dist.Dirichlet(double([2.0, 1.5]))))
    total, _ = integrate.quad(lambda u: density(double([u])).exp().item(), -30, 30)
    assert total == pytest.approx(1.0, rel=1e-7)


@pytest.mark.parametrize("model", [normal, gamma])
def test_the_integral_over_the_posterior_is_the_evidence(model):
    """Normal data are normal with covariance 1 + 4; counts are a Pólya sequence of the negative binomial family."""
    data = DATA if model is normal else COUNTS
    if model is normal:
        covariance = np.eye(len(data)) + 4.0
        expected = stats.multivariate_normal.logpdf(data.numpy(), np.full(len(data), 0.5), covariance)
    else:
        total, number = COUNTS.sum().item(), len(COUNTS)
        factorials = torch.lgamma(COUNTS + 1).sum().item()
        shape, rate = 2 + total, 3 + number
        expected = 2 * math.log(3) - math.lgamma(2) - factorials + math.lgamma(shape) - shape * math.log(rate)
    density = posterior_of(model, (data,))
    total, _ = integrate.quad(lambda u: (density(double([u])) - expected).exp().item(), -20, 20, points=[0.0, 1.0])
    assert total == pytest.approx(1.0, rel=1e-7)


def test_deterministic_sites_are_given_but_those_of_variables_that_are_summed_out():
    def model():
        mu = virgil.sample("mu", dist.Normal(double([0.0, 1.0]), 1.0).to_event(1))
        which = virgil.sample("which", dist.Bernoulli(double(0.3)))
        virgil.deterministic("square", mu**2)
        virgil.deterministic("shifted", mu[..., 0] + which)
        virgil.sample("x", dist.Normal(mu[..., 0] + which, 1.0), obs=double(0.4))

    density = posterior_of(model)
    vectors = density.initial(2)  # as many as the variable has values
    assert torch.equal(density.sites(vectors)["square"], vectors**2)
    assert set(density.sites(vectors)) == {"mu", "square"}
    assert torch.equal(density.sites(vectors[0])["square"], vectors[0] ** 2)


@pytest.mark.parametrize("reads_values", [False, True])
def test_a_model_that_indexes_has_draws_by_vmap_and_one_that_reads_values_one_by_one(reads_values):
    def model():
        mu = virgil.sample("mu", dist.Normal(double([0.0, 1.0]), 1.0).to_event(1))
        virgil.deterministic("sum", mu.sum())
        if reads_values and mu[0] > 100:
            raise AssertionError
        virgil.sample("x", dist.Normal(mu[0], 1.0), obs=double(0.4))

    density = posterior_of(model)
    assert (density.joint.at_once, density.joint.draws.mapped) == (not reads_values, not reads_values)
    vectors = density.initial(3)
    expected = stats.norm.logpdf(vectors.numpy(), [0.0, 1.0], 1.0).sum(1) + stats.norm.logpdf(0.4, vectors[:, 0], 1.0)
    np.testing.assert_allclose(density(vectors).numpy(), expected, rtol=1e-12)
    slopes = np.stack([-2 * vectors[:, 0] + 0.4, 1.0 - vectors[:, 1]], 1)
    np.testing.assert_allclose(density.gradient(vectors)[1].numpy(), slopes, rtol=1e-12)
    torch.testing.assert_close(density.sites(vectors)["sum"], vectors.sum(1))
    assert density.prior(5).shape == (5, 2)


def test_initial_values_are_those_that_are_asked_for():
    density = posterior_of(gamma, (COUNTS,))
    vectors = density.initial(2, init_to_value(values={"rate": double(3.0)}))
    torch.testing.assert_close(vectors, torch.full((2, 1), math.log(3.0), dtype=torch.float64))


def test_draws_of_the_prior_follow_it():
    """The mean of 4,000 draws of a standard normal, within 5 standard errors: a false alarm below 1e-6."""
    density = posterior_of(normal, (DATA,))
    draws = density.prior(4000)
    assert abs(draws.mean().item() - 0.5) < 5 * 2 / 4000**0.5


def test_parameters_and_buffers_are_read_anew():
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).double()

    def model(points):
        virgil.module("net", net)
        mu = virgil.sample("mu", dist.Normal(virgil.param("loc", double(1.0)), 1.0))
        high = virgil.param("high", double(2.0), constraint=constraints.positive)
        virgil.sample("u", dist.Uniform(double(0.0), high))
        with virgil.plate("rows", len(points)):
            virgil.sample("x", dist.Normal(net(points).squeeze(-1) + mu, 1.0), obs=points[:, 0])

    points = torch.randn(6, 1, dtype=torch.float64)
    density = posterior_of(model, (points,))
    vector = double([0.3, 0.2])

    def expected():
        with torch.no_grad():
            loc, high = virgil.param("loc").item(), virgil.param("high").item()
            seen = stats.norm.logpdf(points[:, 0], net(points)[:, 0] + 0.3, 1.0).sum()
        inside = 1 / (1 + math.exp(-0.2))
        place = math.log(high * inside * (1 - inside)) - math.log(high)
        return stats.norm.logpdf(0.3, loc, 1.0) + place + seen

    assert density(vector).item() == pytest.approx(expected())
    for name, value in (("loc", 3.0), ("high", 5.0)):
        virgil.get_param_store()[name] = double(value)
        assert density(vector).item() == pytest.approx(expected())
    before = [each.clone() for each in net.buffers()]
    density(vector)
    assert all(map(torch.equal, before, net.buffers()))
    assert density.values(vector)["u"].item() == pytest.approx(5.0 / (1 + math.exp(-0.2)))


def test_the_density_of_a_fit_has_the_parameters_of_the_fit_and_its_scale():
    def guide(data):
        virgil.sample("mu", dist.Normal(virgil.param("loc", double(0.0)), 1.0))

    tempered = poutine.scale(normal, scale=0.5)
    svi = SVI(tempered, poutine.scale(guide, scale=0.5), virgil.optim.SGD({"lr": 1e-20}), Trace_ELBO())
    svi.run(1, DATA, progress=False)
    with torch.no_grad():
        density = density_of(joint_of(Call(svi.model, svi.guide, (DATA,), {}), enumerates=False))
    assert density(double([0.3])).item() == pytest.approx(normal_density(np.array([0.3])))


def drawn_elsewhere():
    virgil.sample("z", dist.Normal(torch.randn(()), 1.0))


def hides():
    virgil.sample("z", dist.Normal(0.0, 1.0))
    with poutine.block():
        y = virgil.sample("y", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(y, 1.0), obs=torch.tensor(0.0))


def counts():
    virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("count", dist.Poisson(3.0))


def only_discrete():
    virgil.sample("which", dist.Bernoulli(0.5))


@config_enumerate(default="sequential")
def sequential():
    virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("which", dist.Bernoulli(0.5))


def batched(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    with virgil.plate("data", 10, subsample_size=len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def of_no_bijection():
    virgil.sample("z", dist.ImproperUniform(constraints.Constraint(), (), ()))


def of_a_summed_variable():
    which = virgil.sample("which", dist.Categorical(torch.tensor([0.5, 0.5])))
    virgil.sample("z", dist.Uniform(0.0, 1.0 + which))


def iterates():
    virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", 3):
        which = virgil.sample("which", dist.Categorical(torch.tensor([0.5, 0.5])))
        virgil.sample("x", dist.Normal(which.double().mean(), 1.0), obs=torch.zeros(3))


@pytest.mark.parametrize(
    ("model", "args", "error", "message"),
    [
        (drawn_elsewhere, (), ArgumentError, "draws random numbers besides its latent sites"),
        (hides, (), ArgumentError, "draws random numbers.*poutine.block"),
        (counts, (), ArgumentError, r"'count' is discrete \(Poisson\).*a Poisson has too many values.*condition on it"),
        (only_discrete, (), ArgumentError, "no continuous latent variable"),
        (sequential, (), ArgumentError, "'which' is discrete.*not marked"),
        (batched, (torch.zeros(4),), ArgumentError, "Plate 'data' takes 4 of its 10 slots.*Give the whole data"),
        (of_a_summed_variable, (), SiteError, "At site 'z', the support of Uniform has a bound that depends on"),
        (iterates, (), ShapeError, "site 'x'.*not that with one value at a time"),
    ],
)
def test_what_has_no_density_is_refused(model, args, error, message):
    with pytest.raises(error, match=message):
        posterior_of(model, args)


def test_a_site_that_comes_and_goes_is_named():
    def model():
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        if z > 100:
            virgil.sample("extra", dist.Normal(0.0, 1.0))

    density = posterior_of(model)
    with pytest.raises(SiteError, match="'extra' is in one execution of the model and not in another"):
        density(torch.tensor([200.0]))


@pytest.mark.parametrize("shape", [(2,), (3, 2), (1, 1, 1), ()])
def test_vectors_of_another_length_are_refused(shape):
    with pytest.raises(ArgumentError, match=r"over vectors of 1 entries got a tensor of shape"):
        posterior_of(pointed, (DATA,))(torch.zeros(shape))


def test_a_value_that_is_missing_is_named():
    with pytest.raises(ArgumentError, match="latent site 'mu', of which no value"):
        posterior_of(normal, (DATA,)).vectors({})


def test_making_a_density_leaves_no_mark():
    virgil.set_rng_seed(3)
    expected = torch.rand(2)
    virgil.set_rng_seed(3)
    posterior_of(normal, (DATA,))
    assert torch.equal(torch.rand(2), expected)
