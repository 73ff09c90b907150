"""Distributions of a user's own do what the built-in ones do: plates, masks, events, enumeration and every engine."""

import math

import pytest
import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from tests.distributions.own_families import OWN, Coin, Flipped, Powers, Ramp, Spike, Walk
from tests.engine.test_families import assert_captured
from virgil import poutine
from virgil.errors import ArgumentError, ShapeError, SupportError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoNormal

pytestmark = pytest.mark.long


families = pytest.mark.parametrize("own", OWN.values(), ids=OWN)
KEEP = torch.tensor([True, False, True])
DRAWS = 20_000


@families
def test_a_density_is_that_of_its_twin(own):
    fn = own.make(**own.params)
    for _ in range(10):
        value = fn()
        torch.testing.assert_close(fn.log_prob(value), own.twin(**own.params).log_prob(value), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in OWN if OWN[name].cdf])
def test_draws_follow_the_law(name):
    """Kolmogorov and Smirnov's bound by Dvoretzky, Kiefer, Wolfowitz and Massart: a false alarm in 1e-5 of runs."""
    own = OWN[name]
    draws = own.make(**own.params).expand((DRAWS, 3)).sample().sort(0).values
    levels = torch.arange(1, DRAWS + 1)[:, None] / DRAWS
    assert (own.cdf(draws, **own.params) - levels).abs().max() < math.sqrt(math.log(2 * 3 / 1e-5) / (2 * DRAWS)) + 1e-4


@families
def test_under_plates_it_is_independent_copies(own):
    fn = own.make(**own.params)

    def model(obs=None):
        with virgil.plate("rows", 4, dim=-2), virgil.plate("columns", 3, dim=-1):
            return virgil.sample("x", fn, obs=obs)

    trace = poutine.trace(model).get_trace()
    value, site = trace.nodes["x"]["value"], trace.nodes["x"]
    assert value.shape == (4, 3, *fn.event_shape)
    assert site["fn"].batch_shape == site["log_prob"].shape == (4, 3)
    rows = torch.stack([fn.log_prob(row) for row in value])
    torch.testing.assert_close(site["log_prob"], rows)
    if not isinstance(fn, Spike):
        assert len({tuple(row.flatten().tolist()) for row in value}) > 1, "the rows are one draw, repeated"
    observed = poutine.trace(model).get_trace(value)
    torch.testing.assert_close(observed.log_prob_sum(), rows.sum())


@families
def test_one_slot_is_widened_to_a_plate(own):
    fn = own.make(**{name: value[:1] for name, value in own.params.items()})
    with virgil.plate("columns", 5):
        value = virgil.sample("x", fn)
    assert value.shape == (5, *fn.event_shape)
    alone = own.make(**{name: value[0] for name, value in own.params.items()})
    wide = alone.expand_by((2, 5))
    torch.testing.assert_close(wide.log_prob(value), alone.log_prob(value).expand(2, 5))
    assert wide.sample((7,)).shape == (7, 2, 5, *fn.event_shape)
    with pytest.raises((ShapeError, RuntimeError)):
        own.make(**own.params).expand((4,))


@families
def test_events_are_summed(own):
    fn = own.make(**own.params)
    value = fn()
    event = fn.to_event(1)
    assert event.batch_shape == ()
    assert event.event_shape == (3, *fn.event_shape)
    torch.testing.assert_close(event.log_prob(value), fn.log_prob(value).sum())
    torch.testing.assert_close(event.expand((2,)).log_prob(value), fn.log_prob(value).sum().expand(2))
    assert fn.event_dim == len(fn.event_shape)


@families
def test_what_is_masked_out_counts_for_nothing_and_may_be_missing(own):
    params = {name: value.clone().requires_grad_() for name, value in own.params.items()}
    fn = own.make(**params)
    value = fn().detach().clone()
    expected = fn.log_prob(value)[KEEP].sum()
    if fn.has_rsample and not isinstance(fn, Spike):
        value[~KEEP] = math.nan

    def model():
        with virgil.plate("columns", 3), poutine.mask(mask=KEEP):
            virgil.sample("x", fn, obs=value)

    for got in (poutine.trace(model).get_trace().log_prob_sum(), fn.mask(KEEP).log_prob(value).sum()):
        torch.testing.assert_close(got, expected)
        gradients = torch.autograd.grad(got, params.values(), allow_unused=True, retain_graph=True)
        for gradient in (each for each in gradients if each is not None):
            assert torch.isfinite(gradient[KEEP]).all()
            assert not gradient[~KEEP].any()


DISCRETE = {"Powers": lambda: Powers(0.6, 4), "Flipped": lambda: Flipped(torch.tensor(0.3), 0.1)}


@pytest.mark.parametrize("make", DISCRETE.values(), ids=DISCRETE)
def test_values_are_summed_out_exactly(make):
    """Against a sum over all joint values, of two variables in a plate and one of their parent."""
    y = torch.tensor([0.5, -1.0, 2.0])

    @config_enumerate
    def model():
        parent = virgil.sample("parent", make())
        with virgil.plate("data", 3):
            child = virgil.sample("child", make())
            virgil.sample("y", dist.Normal(parent + 2.0 * child, 1.0), obs=y)

    values = make().enumerate_support()
    total = []
    for parent in values:
        slots = [
            torch.stack([make().log_prob(c) + td.Normal(parent + 2.0 * c, 1.0).log_prob(each) for c in values])
            for each in y
        ]
        total.append(make().log_prob(parent) + sum(slot.logsumexp(0) for slot in slots))
    expected = -torch.stack(total).logsumexp(0)
    loss = TraceEnum_ELBO().loss(model, lambda: None)
    assert loss == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("make", DISCRETE.values(), ids=DISCRETE)
def test_a_support_is_listed_with_and_without_the_batch(make):
    fn = make()
    values = fn.enumerate_support()
    torch.testing.assert_close(fn.log_prob(values).logsumexp(0), torch.tensor(0.0))
    wide = fn.expand((2, 3))
    assert wide.has_enumerate_support
    assert wide.enumerate_support(expand=False).shape == (len(values), 1, 1)
    assert torch.equal(wide.enumerate_support(), values[:, None, None].expand(-1, 2, 3))


def _parameters(own):
    constraint = {"loc": dist.constraints.real}
    return {
        name: virgil.param(name, value.clone(), constraint=constraint.get(name, dist.constraints.positive))
        for name, value in own.params.items()
    }


@pytest.mark.parametrize("name", [name for name in OWN if name not in {"Spike", "Flipped"}])
def test_learning_parameters_is_the_same_on_every_engine(name):
    """Nothing is random, so that losses agree to rounding. Flipped has a test of its own, and Spike no density."""
    own = OWN[name]
    data = own.make(**own.params).expand((6, 3)).sample() * (0.9 if name == "Ramp" else 1)

    def model():
        params = _parameters(own)
        with virgil.plate("rows", 6, dim=-2), virgil.plate("columns", 3, dim=-1):
            virgil.sample("x", own.make(**params), obs=data)

    losses = {}
    for engine in ("eager", "xla"):
        virgil.clear_param_store()
        svi = SVI(model, lambda: None, virgil.optim.SGD({"lr": 1e-3}), Trace_ELBO())
        losses[engine] = svi.run(5, engine=engine).losses
    assert losses["eager"][0] == pytest.approx(-own.make(**own.params).log_prob(data).sum().item(), rel=1e-5)
    assert losses["eager"][-1] < losses["eager"][0]
    torch.testing.assert_close(losses["xla"], losses["eager"], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("engine", ["eager", "xla"])
@families
def test_a_guide_that_is_the_prior_has_a_loss_of_zero_on_every_draw(own, engine):
    def model(loc=0.0):
        virgil.sample("z", dist.Normal(loc, 1.0))
        with virgil.plate("rows", 2, dim=-2), virgil.plate("columns", 3, dim=-1):
            virgil.sample("x", own.make(**own.params))

    def guide():
        model(virgil.param("loc", torch.zeros(())))

    svi = SVI(model, guide, virgil.optim.SGD({"lr": 1e-9}), Trace_ELBO())
    assert svi.run(3, engine=engine).losses.abs().max() < 1e-4


@pytest.mark.parametrize("name", [name for name in OWN if name not in {*DISCRETE, "Spike"}])
def test_draws_and_densities_are_lowered_with_their_derivatives(name):
    own = OWN[name]

    def pathwise(*params):
        params = [each.detach().requires_grad_() for each in params]
        fn = own.make(**dict(zip(own.params, params, strict=True))).expand((4, 3))
        value = fn.rsample()
        result = value.sum() + fn.log_prob(0.9 * value).sum()
        return value.detach(), *torch.autograd.grad(result, params)

    params = tuple(own.params.values())
    assert_captured(pathwise, params, tuple(0.5 * each for each in params))


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_latent_variable_of_an_own_family_is_found(engine):
    """The posterior is Gaussian, so the best guide with independent parts is known: its mean, scales and bound."""
    y, noise = torch.tensor([1.0, 2.0, 0.5, 3.0]), 0.5

    def model():
        path = virgil.sample("path", Walk(torch.tensor(0.8), 4))
        virgil.sample("y", dist.Normal(path, noise).to_event(1), obs=y)

    steps = torch.minimum(torch.arange(1, 5)[:, None], torch.arange(1, 5)).float() * 0.8**2
    precision = steps.inverse() + torch.eye(4) / noise**2
    mean = torch.linalg.solve(precision, y / noise**2)
    evidence = td.MultivariateNormal(torch.zeros(4), steps + noise**2 * torch.eye(4)).log_prob(y)
    gap = 0.5 * (precision.diagonal().log().sum() - precision.logdet())
    guide = AutoNormal(model)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.02}), Trace_ELBO(num_particles=20))
    svi.run(600, engine=engine)
    losses = svi.run(300, engine=engine).losses
    scales = guide.quantiles([0.5 * (1 + math.erf(1 / math.sqrt(2)))])["path"][0] - guide.median()["path"]
    torch.testing.assert_close(guide.median()["path"], mean, atol=0.1, rtol=0)
    torch.testing.assert_close(scales, precision.diagonal().rsqrt(), atol=0.08, rtol=0)
    assert losses.mean().item() == pytest.approx((gap - evidence).item(), abs=0.1)


def test_flipped_labels_are_learnt():
    """The rate at which ones are reported is linear in the true rate, and so its estimate solves that equation."""
    data = torch.tensor([1.0, 1, 0, 1, 1, 0, 1, 1, 1, 0])

    def model():
        probs = virgil.param("probs", torch.tensor(0.5), constraint=dist.constraints.unit_interval)
        with virgil.plate("data", 10):
            virgil.sample("x", Flipped(probs, 0.1), obs=data)

    for engine in ("eager", "xla"):
        virgil.clear_param_store()
        SVI(model, lambda: None, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO()).run(400, engine=engine)
        assert virgil.param("probs").item() == pytest.approx((0.7 - 0.1) / 0.8, abs=1e-3)


def test_the_least_is_a_class_with_sample_and_log_prob():
    with virgil.plate("rows", 2, dim=-2), virgil.plate("columns", 3, dim=-1):
        trace = poutine.trace(lambda: virgil.sample("x", Coin(0.3))).get_trace()
    value = trace.nodes["x"]["value"]
    assert value.shape == (2, 3)
    expected = torch.where(value > 0.5, torch.tensor(0.3), torch.tensor(0.7)).log().sum()
    torch.testing.assert_close(trace.log_prob_sum(), expected)
    assert Coin(0.3)().shape == ()


def test_support_is_checked_in_the_dry_run():
    def model():
        virgil.sample("x", Ramp(1.0), obs=torch.tensor(1.5))

    svi = SVI(model, lambda: None, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    with pytest.raises(SupportError, match="'x'.*1.5"):
        svi.step()


def test_an_unfinished_class_is_named():
    class Unfinished(dist.TorchDistribution):
        def __init__(self, scale):
            self.scale = scale

        def sample(self, sample_shape=()):
            return torch.zeros(sample_shape)

        def log_prob(self, value):
            return -value

    message = r"Unfinished has no batch_shape .* Call super\(\)\.__init__\(batch_shape"
    with pytest.raises(ArgumentError, match=message), virgil.plate("a", 2):
        virgil.sample("x", Unfinished(1.0))


def test_a_missing_attribute_keeps_its_name():
    class Broken(dist.TorchDistribution):
        @property
        def rate(self):
            return self.missing

    for name, missing in (("rate", "missing"), ("other", "other")):
        with pytest.raises(AttributeError, match=f"'Broken' object has no attribute '{missing}'"):
            getattr(Broken(), name)


def test_copies_are_shown_with_what_is_copied():
    shown = repr(Ramp(torch.ones(3)).expand((4, 3)))
    assert shown == "ExpandedDistribution(Ramp(scale: torch.Size([3])), (4, 3))"


@pytest.mark.parametrize("fn", [Ramp(torch.ones(3)), Walk(torch.ones(1), 4)], ids=["Ramp", "Walk"])
def test_expanding_twice_is_expanding_once(fn):
    once, twice = fn.expand((5, 3)), fn.expand((1, 3)).expand((5, 3))
    value = once.sample()
    assert twice.sample().shape == value.shape
    torch.testing.assert_close(once.log_prob(value), twice.log_prob(value))


def test_draws_along_a_dim_need_no_expand_either():
    """In a guide with ``num_samples``: the average of the draws' costs is an estimate of the expectation."""

    def model():
        virgil.factor("cost", virgil.sample("x", Coin(0.3)))

    @config_enumerate(num_samples=2000)
    def guide():
        virgil.sample("x", Coin(0.3))

    loss = TraceEnum_ELBO().loss(model, guide)
    assert loss == pytest.approx(-0.3, abs=4.5 * math.sqrt(0.21 / 2000))  # a false alarm in 1e-5 of runs
