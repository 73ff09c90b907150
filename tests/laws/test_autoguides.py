"""One law each for every guide family and every kind of model.

A new family is a new row of FAMILIES, a new kind of model a new row of MODELS.
"""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import (
    AutoDAIS,
    AutoDelta,
    AutoDiagonalNormal,
    AutoGaussian,
    AutoGuide,
    AutoIAFNormal,
    AutoLaplaceApproximation,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
    AutoNormalMessenger,
    AutoPartialNonCentered,
    AutoStructured,
    init_to_sample,
    init_to_uniform,
)
from virgil.infer.density.execution import Call, run_pair

FLAT = (AutoDiagonalNormal, AutoMultivariateNormal, AutoLowRankMultivariateNormal)
FAMILIES = (
    AutoNormal,
    AutoDelta,
    AutoLaplaceApproximation,
    AutoNormalMessenger,
    AutoIAFNormal,
    AutoStructured,
    AutoGaussian,
    AutoDAIS,
    AutoPartialNonCentered,
    *FLAT,
)


class RandomFactor(dist.TorchDistribution):
    """Lower triangular matrices, with independent normal entries and a log-normal diagonal."""

    arg_constraints = {}
    support = constraints.lower_cholesky

    def __init__(self, size: int, batch_shape: tuple[int, ...] = ()) -> None:
        super().__init__(torch.Size(batch_shape), torch.Size([size, size]))

    def expand(self, batch_shape, _instance=None):
        return RandomFactor(self.event_shape[0], torch.Size(batch_shape))

    def sample(self, sample_shape=()):
        noise = torch.randn(self.shape(sample_shape))
        return noise.tril(-1) + noise.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def log_prob(self, value):
        log_diagonal = value.diagonal(dim1=-2, dim2=-1).log()
        return -0.5 * (value.tril(-1).square().sum((-2, -1)) + log_diagonal.square().sum(-1)) - log_diagonal.sum(-1)


class RandomCovariance(RandomFactor):
    """Positive definite matrices, unnormalised."""

    support = constraints.positive_definite

    def expand(self, batch_shape, _instance=None):
        return RandomCovariance(self.event_shape[0], torch.Size(batch_shape))

    def sample(self, sample_shape=()):
        factor = super().sample(sample_shape)
        return factor @ factor.mT

    def log_prob(self, value):
        return -value.diagonal(dim1=-2, dim2=-1).sum(-1)


def scalar():
    mu = virgil.sample("mu", dist.Normal(1.0, 2.0))
    virgil.sample("x", dist.Normal(mu, 1.0), obs=torch.tensor(0.5))


def vector():
    weights = virgil.sample("weights", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.deterministic("twice", 2 * weights)


def positive():
    virgil.sample("rate", dist.Gamma(2.0, 1.0))
    virgil.sample("scales", dist.HalfCauchy(torch.ones(2)).to_event(1))


def bounded():
    virgil.sample("chance", dist.Beta(2.0, 2.0))
    virgil.sample("where", dist.Uniform(-2.0, 5.0))
    with virgil.plate("slots", 3):
        virgil.sample("each", dist.Uniform(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 3.0, 7.0])))


def simplex():
    with virgil.plate("groups", 2):
        virgil.sample("parts", dist.Dirichlet(torch.ones(4)))


def matrices():
    virgil.sample("correlation", dist.LKJCholesky(3, 1.0))
    virgil.sample("factor", RandomFactor(3))
    virgil.sample("covariance", RandomCovariance(3))


def nested():
    with virgil.plate("outer", 2, dim=-2):
        mean = virgil.sample("mean", dist.Normal(0.0, 1.0))
        with virgil.plate("inner", 3, dim=-1):
            spread = virgil.sample("spread", dist.LogNormal(mean, 1.0))
            virgil.sample("x", dist.Normal(0.0, spread), obs=torch.ones(2, 3))


def sequential():
    level = virgil.sample("level", dist.Normal(0.0, 1.0))
    for i in virgil.plate("steps", 3):
        level = virgil.sample(f"level_{i}", dist.Normal(level, 1.0))
        virgil.sample(f"x_{i}", dist.Normal(level, 1.0), obs=torch.tensor(float(i)))


def dotted():
    virgil.sample("net.weight", dist.Normal(0.0, 1.0))
    virgil.sample("net", dist.Normal(0.0, 1.0))
    virgil.sample("type", dist.Exponential(1.0))


def masked():
    with poutine.scale(scale=0.5):
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4), poutine.mask(mask=torch.tensor([True, False, True, True])):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=torch.tensor([1.0, torch.nan, 2.0, 3.0]))


MODELS = (scalar, vector, positive, bounded, simplex, matrices, nested, sequential, dotted, masked)

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def free_coordinates(support: constraints.Constraint, value: Tensor) -> Tensor:
    """One event's coordinates with respect to which densities on this set are taken."""
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    size = value.shape[-1] if value.dim() else 0
    if support is constraints.simplex:
        return value[..., :-1].flatten()
    if support is constraints.corr_cholesky:
        return value[tuple(torch.tril_indices(size, size, -1))]
    if support in (constraints.lower_cholesky, constraints.positive_definite):
        return value[tuple(torch.tril_indices(size, size))]
    return value.flatten()


def log_volume(guide: AutoGuide, unconstrained: dict[str, Tensor]) -> Tensor:
    """Log of the volume change of all sites, by the Jacobians of their bijections, one event at a time."""
    total = torch.zeros(())
    for latent in guide.latents:
        bijection, whole = latent.bijection, unconstrained[latent.name]
        if bijection.transform is None:
            continue
        event_dim = bijection.unconstrained_event_dim

        def mapped(flat, latent=latent, bijection=bijection, shape=whole.shape):
            value = bijection(flat.reshape(shape))
            events = value.reshape(-1, *latent.event_shape)
            return torch.cat([free_coordinates(bijection.support, event) for event in events])

        assert event_dim <= whole.dim()
        jacobian = torch.autograd.functional.jacobian(mapped, whole.flatten())
        total = total + torch.linalg.slogdet(jacobian).logabsdet
    return total


def setup(family, model: Callable[[], object]) -> AutoGuide:
    guide = family(model, init_loc_fn=init_to_uniform(radius=1.0))
    guide()
    with torch.no_grad():
        for parameter in guide.parameters():
            if family is not AutoDelta:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return guide


def log_density(trace: poutine.Trace) -> Tensor:
    return sum((site.log_prob_sum for site in trace.nodes.values() if site.kind == "sample"), torch.zeros(()))


@each_family
@each_model
def test_what_is_drawn_fits_the_model(family, model):
    guide = setup(family, model)
    pair = run_pair(Call(model, guide, (), {}))
    returned = pair.guide.nodes["_RETURN"].value
    latent = {name: site for name, site in pair.model.nodes.items() if site.is_latent}
    assert returned.keys() == latent.keys()
    for name, site in latent.items():
        assert torch.equal(returned[name], site.value)
        assert returned[name].shape == site.fn.shape()
        assert bool(site.fn.support.check(returned[name]).all())
        mine = pair.guide.nodes[name]
        assert [frame.name for frame in mine.frames] == [frame.name for frame in site.frames]
        assert mine.fn.batch_shape == site.fn.batch_shape
        assert mine.fn.event_shape == site.fn.event_shape
    loss = Trace_ELBO().differentiable_loss(model, guide)  # every check passes
    assert bool(loss.isfinite())


@pytest.mark.parametrize("family", [AutoNormal, AutoIAFNormal, AutoGaussian, *FLAT], ids=lambda family: family.__name__)
@each_model
def test_the_density_is_that_of_the_change_of_variables(family, model):
    torch.set_default_dtype(torch.float64)
    guide = setup(family, model)
    trace = poutine.trace(guide).get_trace()
    values = trace.nodes["_RETURN"].value
    unconstrained = {each.name: each.bijection.inverse(values[each.name]).detach() for each in guide.latents}
    if family is AutoNormal:
        state = guide.state_dict()
        base = torch.zeros(())
        for name, value in unconstrained.items():
            scale = torch.nn.functional.softplus(state[f"scales.{name}"])
            base = base + dist.Normal(state[f"locs.{name}"], scale).log_prob(value).sum()
    elif family is AutoIAFNormal:
        vector = torch.cat([unconstrained[each.name].flatten() for each in guide.latents])
        noise, transform = guide.get_transform().inv(vector), guide.get_transform()
        jacobian = torch.autograd.functional.jacobian(transform, noise)
        base = guide.get_base_dist().log_prob(noise) - torch.linalg.slogdet(jacobian).logabsdet
    else:
        posterior = guide.get_posterior()
        covariance = getattr(posterior, "covariance_matrix", None)
        if covariance is None:
            covariance = posterior.variance.diag_embed()
        exact = torch.distributions.MultivariateNormal(posterior.mean, covariance)
        base = exact.log_prob(torch.cat([unconstrained[each.name].flatten() for each in guide.latents]))
    expected = base - log_volume(guide, unconstrained)
    torch.testing.assert_close(log_density(trace), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("family", [AutoNormal, AutoGaussian, *FLAT], ids=lambda family: family.__name__)
@each_model
def test_median_and_quantiles_are_those_of_the_normal(family, model):
    guide = setup(family, model)
    median, quantiles = guide.median(), guide.quantiles([0.1, 0.5, 0.9])
    points = dist.Normal(0.0, 1.0).icdf(torch.tensor([0.1, 0.5, 0.9]))
    for latent in guide.latents:
        name, inverse = latent.name, latent.bijection.inverse
        assert quantiles[name].shape == (3, *latent.batch_shape, *latent.event_shape)
        torch.testing.assert_close(quantiles[name][1], median[name])
        low, middle, high = (inverse(each) for each in quantiles[name])
        torch.testing.assert_close((high - middle) / points[2], (low - middle) / points[0], rtol=1e-2, atol=1e-3)
        assert bool((high > low).all())


@each_family
@each_model
def test_states_come_back(family, model):
    guide = setup(family, model)
    median = guide.median()
    fresh, pickled, copied = family(model), pickle.loads(pickle.dumps(guide)), copy.deepcopy(guide)
    file = io.BytesIO()
    torch.save(guide.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))  # before its first call
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    for other in (fresh, pickled, copied, guide):
        other()
        for name, value in other.median().items():
            assert torch.equal(value, median[name])
    assert before.keys() == guide.state_dict().keys()
    assert all(torch.equal(value, guide.state_dict()[name]) for name, value in before.items())


@each_family
def test_particles_run_at_once(family):
    guide = setup(family, nested)
    loss = Trace_ELBO(num_particles=3, vectorize_particles=True)
    for _ in range(2):
        assert bool(loss.differentiable_loss(nested, guide).isfinite())


@each_family
def test_a_fit_is_the_same_bit_for_bit_without_validation(family):
    fits = []
    for validate in (True, False):
        for called_before in (True, False):
            virgil.enable_validation(validate)
            virgil.clear_param_store()
            virgil.set_rng_seed(3)
            guide = family(nested, init_loc_fn=init_to_sample)
            if called_before:
                guide.median()
            fit = SVI(nested, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).run(5, progress=False)
            fits.append((fit.losses, guide.median()))
    for losses, median in fits[1:]:
        assert torch.equal(losses, fits[0][0])
        assert all(torch.equal(value, fits[0][1][name]) for name, value in median.items())


@each_family
def test_parameters_are_the_modules_own_and_in_the_store(family):
    guide = setup(family, dotted)
    guide()
    store = virgil.get_param_store()
    leaves = {id(leaf) for _, leaf in store.named_parameters()}
    assert leaves == {id(parameter) for parameter in guide.parameters()}
    assert all(name.startswith(f"{family.__name__}.") for name in store)
    trace = poutine.trace(guide).get_trace()
    assert set(trace.param_nodes) == set(store.keys())
    hidden = poutine.trace(poutine.block(guide, hide_types=["param"])).get_trace()
    assert not hidden.param_nodes


@each_family
def test_the_first_call_leaves_no_mark(family):
    first, second = family(nested, init_loc_fn=init_to_sample), family(nested, init_loc_fn=init_to_sample)
    state = torch.get_rng_state()
    medians = [guide.median() for guide in (first, second)]
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(medians[0]["mean"], medians[1]["mean"])
    assert not poutine.trace(family(nested).median).get_trace().stochastic_nodes


@each_family
def test_another_dtype(family):
    guide = setup(family, scalar).double()
    assert guide()["mu"].dtype == torch.float64
    trace = poutine.trace(guide).get_trace()
    assert log_density(trace).dtype == torch.float64
