"""A reparameteriser leaves the joint density what it was, wherever it stands among plates, scales, masks and steps.

With ``x = loc + scale * base`` the density of the transformed program at ``base`` is that of the program at ``x`` times
the derivative: the logarithms differ by ``log(scale)``, scaled, masked and weighted as the site is.
"""

from contextlib import ExitStack

import pytest
import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from tests.exact.reparameterising import Decentered, HookedDecentered
from virgil import poutine
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.poutine import Handler, Messenger

ROWS, COLUMNS, SUBSAMPLE = 10, 3, torch.tensor([1, 4, 7, 8])
MASK = torch.tensor([[True], [False], [True], [True]])
LOC = torch.arange(12.0).reshape(4, 3) / 4
SCALE = torch.tensor([0.5, 1.0, 3.0])
NOISE = 0.7
DATA = torch.sin(torch.arange(12.0)).reshape(4, 3)


class Tempering(Messenger):
    def _pyro_sample(self, msg):
        msg["scale"] = 0.25 * msg["scale"]


# what stands around the sites, outermost first; each is made when it is entered
SURROUNDINGS = [
    lambda: virgil.plate("rows", ROWS, subsample=SUBSAMPLE, dim=-2),
    lambda: poutine.scale(scale=0.5),
    lambda: virgil.markov(),
    lambda: virgil.plate("columns", COLUMNS, dim=-1),
    lambda: poutine.mask(mask=MASK),
    Tempering,
]
WEIGHT = 0.5 * 0.25 * ROWS / len(SUBSAMPLE) * MASK
everywhere = pytest.mark.parametrize("cut", range(len(SURROUNDINGS) + 1))
both_forms = pytest.mark.parametrize("handler", [Decentered, HookedDecentered])


def around(*makers):
    stack = ExitStack()
    for make in makers:
        stack.enter_context(make())
    return stack


def program(fn, cut=0, handler=None):
    """A variable and its data in all surroundings; a handler stands so many of them further in."""
    makers = [*SURROUNDINGS[:cut], *([lambda: handler("x")] if handler else []), *SURROUNDINGS[cut:]]

    def run():
        with around(*makers):
            x = virgil.sample("x", fn)
            virgil.sample("y", dist.Normal(x.sum(-1) if fn.event_shape else x, NOISE), obs=DATA)
        return x

    return run


def fn_of(family):
    """A distribution, and the logarithm of the derivative of its draws with respect to standard ones."""
    if family is dist.Normal:
        return dist.Normal(LOC, SCALE), SCALE.log()
    tril = torch.tensor([[2.0, 0.0], [0.7, 0.3]])
    loc = torch.stack([LOC, -LOC], -1)
    return dist.MultivariateNormal(loc, scale_tril=tril), tril.diagonal().log().sum()


@pytest.mark.parametrize("family", [dist.Normal, dist.MultivariateNormal])
@everywhere
@both_forms
def test_the_joint_density_is_that_of_the_program(handler, cut, family):
    fn, log_derivative = fn_of(family)
    transformed = poutine.trace(program(fn, cut, handler)).get_trace()
    data = {"x": transformed["x"].value}
    original = poutine.trace(poutine.condition(program(fn), data=data)).get_trace()
    base, site = transformed["x_base"], original["x"]
    assert base.frames == site.frames
    assert [step[1:] for step in base.steps] == [step[1:] for step in site.steps]
    assert base["scale"] == site["scale"]
    assert torch.equal(base.mask, site.mask)
    change = WEIGHT * log_derivative.expand(4, 3)
    torch.testing.assert_close(base.log_prob, site.log_prob + change, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(transformed.log_prob_sum(), original.log_prob_sum() + change.sum(), rtol=1e-5, atol=1e-3)


# Inference

PRECISION = 1 + (SCALE / NOISE) ** 2
POSTERIOR = (SCALE / NOISE**2) * (DATA - LOC) / PRECISION  # the mean of the standard variables
EVIDENCE = WEIGHT * td.Normal(LOC, (SCALE**2 + NOISE**2).sqrt()).log_prob(DATA)


def exact_guide():
    gain = virgil.param("gain", torch.tensor(1.0))
    with around(*SURROUNDINGS):
        return virgil.sample("x_base", dist.Normal(gain * POSTERIOR, PRECISION**-0.5))


@pytest.mark.parametrize(
    "objective",
    [
        Trace_ELBO(),
        Trace_ELBO(num_particles=2),
        Trace_ELBO(num_particles=2, vectorize_particles=False),
        TraceEnum_ELBO(strict_enumeration_warning=False),
    ],
    ids=["one particle", "two at once", "two in turn", "enum"],
)
@everywhere
@both_forms
def test_the_bound_at_the_exact_posterior_is_the_evidence(handler, cut, objective):
    model = program(dist.Normal(LOC, SCALE), cut, handler)
    loss = SVI(model, exact_guide, virgil.optim.Adam({"lr": 0.01}), objective).step()
    assert loss == pytest.approx(-EVIDENCE.sum().item(), rel=1e-5)
    assert virgil.param("gain") != 1.0  # the step has been taken


@everywhere
@both_forms
def test_the_analytic_divergence_is_that_of_the_standard_variables(handler, cut):
    virgil.set_rng_seed(2)
    base = exact_guide()
    virgil.set_rng_seed(2)
    loss = TraceMeanField_ELBO().loss(program(dist.Normal(LOC, SCALE), cut, handler), exact_guide)
    divergence = td.kl_divergence(td.Normal(POSTERIOR, PRECISION**-0.5), td.Normal(0.0, 1.0))
    likelihood = td.Normal(LOC + SCALE * base, NOISE).log_prob(DATA)
    assert loss == pytest.approx((WEIGHT * (divergence - likelihood)).sum().item(), rel=1e-5)


@both_forms
def test_an_automatic_guide_guides_the_standard_variables(handler):
    def model():
        with handler("x"), virgil.plate("rows", ROWS), virgil.plate("columns", COLUMNS):
            x = virgil.sample("x", dist.Normal(0.0, SCALE.unsqueeze(-1)))
            virgil.sample("y", dist.Normal(x, NOISE), obs=torch.zeros(3, ROWS))

    guide = AutoNormal(model, init_loc_fn=lambda site: torch.full(site.fn.batch_shape, 0.5))
    median = guide.median()
    assert {name: tuple(value.shape) for name, value in median.items()} == {"x_base": (3, 10)}
    assert (median["x_base"] == 0.5).all()


@pytest.mark.parametrize("parallel", [False, True])
@everywhere
@both_forms
def test_given_draws_of_the_standard_variables_are_transformed(handler, cut, parallel):
    model = poutine.uncondition(program(dist.Normal(LOC, SCALE), cut, handler))
    base = torch.randn(5, 4, 3)
    draws = Predictive(model, {"x_base": base}, return_sites=["x", "y", "_RETURN"], parallel=parallel)()
    torch.testing.assert_close(draws["_RETURN"], LOC + SCALE * base)
    assert draws["y"].shape == (5, 4, 3)


# Summed-out variables

PROBS, LOCS = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([-1.0, 0.5, 2.0])


@pytest.mark.parametrize("place", ["outside", "between", "inside"])
@both_forms
def test_a_variable_whose_location_is_summed_over(handler, place):
    """The bound at given values of the standard variables, against the sum over the values by hand."""
    base = torch.linspace(-1.0, 1.0, 4)

    def body():
        with virgil.plate("rows", 4):
            z = virgil.sample("z", dist.Categorical(PROBS), infer={"enumerate": "parallel"})
            with handler("x") if place == "inside" else poutine.scale(scale=1.0):
                x = virgil.sample("x", dist.Normal(LOCS[z], 0.5))
            virgil.sample("y", dist.Normal(x, NOISE), obs=DATA[:, 0])

    def model():
        with handler("x") if place == "between" else poutine.scale(scale=1.0):
            body()

    def guide():
        with virgil.plate("rows", 4):
            virgil.sample("x_base", dist.Delta(base))

    loss = TraceEnum_ELBO().loss(handler("x")(model) if place == "outside" else model, guide)
    likelihood = td.Normal(LOCS + 0.5 * base.unsqueeze(-1), NOISE).log_prob(DATA[:, :1])
    expected = td.Normal(0.0, 1.0).log_prob(base) + (PROBS.log() + likelihood).logsumexp(-1)
    assert loss == pytest.approx(-expected.sum().item(), rel=1e-5)


class Restating(Handler):
    """States each observation's density once more, as a factor of its own, and takes the observation's away."""

    def handle(self, site, outer):
        if site.kind == "sample" and site.observed and site.name.startswith("y"):
            virgil.factor(f"{site.name}_again", site.fn.log_prob(site.value))
            site = site.masked_by(False)
        return outer(site)


LOOPS = {
    "markov": lambda size: virgil.markov(range(size)),
    "vectorized markov": lambda size: virgil.vectorized_markov("time", size, dim=-2),
}


class Rewarding(Handler):
    """States a factor beside each state."""

    def handle(self, site, outer):
        if site.is_latent:
            virgil.factor(f"{site.name}_reward", torch.tensor(0.25))
        return outer(site)


@pytest.mark.parametrize("loop", LOOPS)
def test_statements_in_chains_are_summed_as_the_programs(loop):
    data = torch.linspace(-2.0, 3.0, 10).reshape(5, 2)
    moves = torch.tensor([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.3, 0.3, 0.4]])

    def model():
        z = 0
        with virgil.plate("series", 2, dim=-1):
            for t in LOOPS[loop](5):
                z = virgil.sample(f"z_{t}", dist.Categorical(moves[z]), infer={"enumerate": "parallel"})
                virgil.sample(f"y_{t}", dist.Normal(LOCS[z], NOISE), obs=data[t])

    def forward(series):
        """The logarithm of the data's density, by the forward algorithm."""
        message = moves[0].log()
        for t in range(5):
            if t:
                message = (message.unsqueeze(-1) + moves.log()).logsumexp(0)
            message = message + td.Normal(LOCS, NOISE).log_prob(data[t, series])
        return message.logsumexp(0)

    evidence = (forward(0) + forward(1)).item()
    for handler, expected in ((Handler(), evidence), (Restating(), evidence), (Rewarding(), evidence + 0.25 * 10)):
        assert TraceEnum_ELBO().loss(handler(model), lambda: None) == pytest.approx(-expected, rel=1e-5)


# Partly observed variables


@both_forms
def test_of_a_partly_observed_variable_the_latent_slots_alone_count(handler):
    """The bound at a guide that also draws what is observed: that of the latent slots, and the data's density."""
    observed = torch.tensor([True, False, True])
    loc, scale = torch.tensor([0.3, -0.2, 1.0]), 0.6

    def model():
        with handler("x_unobserved"), virgil.plate("columns", COLUMNS), poutine.scale(scale=2.0):
            x = virgil.sample("x", dist.Normal(LOC[0], SCALE), obs=DATA[0], obs_mask=observed)
            virgil.sample("y", dist.Normal(x, NOISE), obs=DATA[1])

    def guide():
        with virgil.plate("columns", COLUMNS), poutine.scale(scale=2.0):
            return virgil.sample("x_unobserved_base", dist.Normal(loc, scale))

    for objective in (Trace_ELBO(), TraceEnum_ELBO(strict_enumeration_warning=False)):
        virgil.set_rng_seed(2)
        base = guide()
        virgil.set_rng_seed(2)
        loss = objective.loss(model, guide)
        x = torch.where(observed, DATA[0], LOC[0] + SCALE * base)
        prior = torch.where(
            observed,
            td.Normal(LOC[0], SCALE).log_prob(DATA[0]),
            td.Normal(0.0, 1.0).log_prob(base) - td.Normal(loc, scale).log_prob(base),
        )
        expected = 2.0 * (prior + td.Normal(x, NOISE).log_prob(DATA[1])).sum()
        assert loss == pytest.approx(-expected.item(), rel=1e-5)

    site = poutine.trace(model).get_trace()["x_unobserved_base"]
    assert torch.equal(site.latent_slots, ~observed)
    assert torch.equal(site.mask, ~observed)
