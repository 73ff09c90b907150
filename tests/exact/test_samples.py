"""Several draws of a guide's variable in place of all its values: unbiased, independent, and of less variance."""

from dataclasses import replace

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_guides import uniform
from tests.exact.enumeration_models import X, see
from tests.exact.enumeration_samples import SAMPLED, SEVERAL, several
from tests.exact.estimates import check, check_looped, estimates
from virgil import poutine
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta, AutoMultivariateNormal, AutoNormal
from virgil.poutine.enumeration import draws

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


@pytest.mark.parametrize("case", SAMPLED.values(), ids=SAMPLED)
def test_loss_and_gradient_are_unbiased(case):
    check(case, TraceEnum_ELBO)


@pytest.mark.parametrize("name", ["several, in turn, several", "joined"])
def test_looped_particles_are_the_mean_of_single_ones(name):
    check_looped(SAMPLED[name], TraceEnum_ELBO)


def _local(data):
    """Four slots, all of them or two that are drawn anew in each execution."""

    def model():
        with data():
            b = uniform("b")
            c = flip("c", 0.8 * b - 0.2)
            see("x", 2 * b - c, virgil.subsample(X[:4], event_dim=0))

    def guide():
        with data():
            flip("b", virgil.subsample(param("bs"), event_dim=0), **SEVERAL)

    return config_enumerate(model), guide


def test_random_mini_batches_are_unbiased():
    (model, guide), (every, slots) = (
        _local(lambda: virgil.plate("data", 4, subsample_size=2)),
        _local(lambda: virgil.plate("data", 4)),
    )
    params = {"bs": [0.9, -1.2, 0.4, 1.1]}
    check(case(model, params, guide, every, reference_guide=slots, batches=1_000, particles=10), TraceEnum_ELBO)


# draws


def _values(guide, first=-2):
    trace = poutine.trace(poutine.enum(guide, first_available_dim=first)).get_trace()
    return {name: site.value for name, site in trace.nodes.items() if site.kind == "sample"}


def test_draws_lie_along_a_dim_of_their_own_for_each_combination_before():
    @several
    def guide():
        a = virgil.sample("a", dist.Normal(torch.zeros(()), 1.0))
        with virgil.plate("data", 5):
            b = virgil.sample("b", dist.Normal(a, 1.0))
            virgil.sample("c", dist.Normal(b.unsqueeze(-1).expand(*b.shape, 4), 1.0).to_event(1))
        virgil.sample("d", dist.Normal(torch.zeros(()), 1.0))

    values = _values(guide)
    shapes = {name: tuple(value.shape) for name, value in values.items()}
    assert shapes == {"a": (3, 1), "b": (3, 3, 5), "c": (3, 3, 3, 5, 4), "d": (3, 1, 1, 1, 1)}
    assert all(len(value.unique()) == value.numel() for value in values.values())


def test_draws_are_independent_of_each_other_and_across_slots():
    """Correlations of 6 entries over 4,000 executions: 15 of them, each beyond 5 standard errors with chance 6e-7."""

    @several
    def guide():
        with virgil.plate("data", 2):
            virgil.sample("z", dist.Normal(torch.tensor([0.5, -1.0]), 2.0))

    rows = torch.stack([_values(guide)["z"].reshape(-1) for _ in range(4_000)])
    correlations = torch.corrcoef(rows.T) - torch.eye(6)
    assert correlations.abs().max() < 5 / 4_000**0.5
    errors = (rows.mean(0) - torch.tensor([0.5, -1.0]).repeat(3)) / (2.0 / 4_000**0.5)
    assert errors.abs().max() < 5


def _variances(name, num_samples):
    sampled = SAMPLED[name]
    guide = config_enumerate(getattr(sampled.guide, "fn", sampled.guide), num_samples=num_samples)
    return estimates(replace(sampled, guide=guide, particles=1), TraceEnum_ELBO, batches=2_000).var(0)


@pytest.mark.parametrize("name", ["normal", pytest.param("slots, model sums above", marks=pytest.mark.thorough)])
def test_the_variance_of_independent_draws_falls_as_their_number(name):
    """A loss that is one average has a tenth of the variance, and so has each derivative."""
    ratios = _variances(name, 10) / _variances(name, 1)
    assert ((ratios > 0.07) & (ratios < 0.14)).all()


def test_one_draw_is_the_plain_objective():
    losses = []
    for guide in (SAMPLED["dependent"].guide.fn, config_enumerate(SAMPLED["dependent"].guide.fn, num_samples=1)):
        virgil.set_rng_seed(3)
        losses.append(estimates(replace(SAMPLED["dependent"], guide=guide), TraceEnum_ELBO, batches=3))
    assert torch.equal(*losses)


@pytest.mark.filterwarnings("ignore:.*asks for enumeration, and Trace_ELBO draws:virgil.errors.FitWarning")
def test_marks_do_nothing_under_other_objectives():
    losses = []
    for guide in (SAMPLED["two normals"].guide.fn, SAMPLED["two normals"].guide):
        virgil.set_rng_seed(3)
        marked = replace(SAMPLED["two normals"], model=lambda: two_normals_drawn(), guide=guide)
        losses.append(estimates(marked, Trace_ELBO, batches=3))
    assert torch.equal(*losses)


def two_normals_drawn():
    v = virgil.sample("v", dist.Normal(torch.zeros(()), 1.0))
    w = virgil.sample("w", dist.Normal(0.5 * v, 1.0))
    see("x", v + w, X[0])


@pytest.mark.parametrize("family", [AutoNormal, AutoMultivariateNormal])
def test_automatic_guides(family):
    """Means of the loss agree, and ten draws have less variance than one."""

    def model():
        m = virgil.sample("m", dist.Normal(torch.zeros(()), 1.0))
        with virgil.plate("data", 3):
            z = virgil.sample("z", dist.Normal(m, 1.0))
            see("x", z, X[:3])

    guide = family(model)
    objective, single = TraceEnum_ELBO(), Trace_ELBO()
    marked = config_enumerate(guide, num_samples=10)
    drawn = torch.tensor([objective.loss(model, marked) for _ in range(1_000)])
    plain = torch.tensor([single.loss(model, guide) for _ in range(3_000)])
    error = (plain.var() / len(plain) + drawn.var() / len(drawn)).sqrt()
    assert (plain.mean() - drawn.mean()).abs() < 5 * error  # chance 6e-7
    assert drawn.var() < plain.var() / 4


def test_a_point_mass_has_no_several_draws():
    def model():
        see("x", virgil.sample("m", dist.Normal(torch.zeros(()), 1.0)), X[0])

    plain = AutoDelta(model)
    guide = config_enumerate(plain, num_samples=5)
    site = poutine.trace(poutine.enum(guide, first_available_dim=-1)).get_trace().nodes["m"]
    assert draws(site) is None
    assert site.value.shape == ()
    assert TraceEnum_ELBO().loss(model, guide) == pytest.approx(Trace_ELBO().loss(model, plain))


# the posterior of what the model sums out


@pytest.mark.parametrize("ways", [{"infer": {"enumerate": "parallel"}}, SEVERAL], ids=["each", "several"])
def test_marginals_are_averaged_over_the_guide(ways):
    logit = torch.tensor(0.8)

    @config_enumerate
    def model():
        e = uniform("e")
        with virgil.plate("data", 2):
            m = flip("m", 3 * e - 1)
            see("x", m, X[:2])

    each = []
    for e in (0.0, 1.0):
        logs = [dist.Bernoulli(logits=3 * torch.tensor(e) - 1).log_prob(torch.tensor(m)) for m in (0.0, 1.0)]
        logs = [log + dist.Normal(m, 1.0).log_prob(X[:2]) for m, log in zip((0.0, 1.0), logs, strict=True)]
        each.append(torch.stack(logs).softmax(0)[1])
    found = TraceEnum_ELBO().compute_marginals(model, lambda: flip("e", logit, **ways))["m"].probs
    ones = torch.tensor([0.0, 1 / 3, 2 / 3, 1.0]) if ways is SEVERAL else logit.sigmoid().reshape(1)
    possible = [share * each[1] + (1 - share) * each[0] for share in ones]
    assert any(torch.allclose(found, one) for one in possible)
