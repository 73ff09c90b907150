"""What is enumerated is exact: value and gradient are those of a sum over all assignments, in mean where some draw."""

import contextlib
from dataclasses import replace

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import X3, flip, param
from tests.exact.enumeration import log_evidence
from tests.exact.enumeration_chains import CHAINS
from tests.exact.enumeration_draws import DRAWN
from tests.exact.enumeration_guides import EXACT, IN_TURN
from tests.exact.enumeration_impossible import IMPOSSIBLE, LATENT_DRAWN
from tests.exact.enumeration_in_turn import SLOTS_IN_TURN, SLOTS_IN_TURN_DRAWN
from tests.exact.enumeration_models import MODELS
from tests.exact.enumeration_plates import PLATED
from tests.exact.estimates import Case, check, check_looped, estimates, exact_gradient
from virgil import poutine
from virgil.infer import TraceEnum_ELBO, config_enumerate

pytestmark = [
    pytest.mark.long,
    # sums over programs that say so little on purpose
    pytest.mark.filterwarnings("ignore:.*a step may leave that:virgil.errors.FitWarning"),
    pytest.mark.filterwarnings("ignore:.*each value there counts:virgil.errors.FitWarning"),
]


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


SUMMED = {**MODELS, **PLATED, **{f"chained, {name}": case for name, case in CHAINS.items()}}
SOME_CHAINS = ["chained, second order of 4", "chained, rows of a mini-batch", "chained, below one of the guide"]
EVERYTHING = [*(pytest.param(case, id=f"model, {name}") for name, case in SUMMED.items())]
EVERYTHING += [pytest.param(case, id=f"guide, {name}") for name, case in EXACT.items()]
EVERYTHING += [pytest.param(case, id=f"slots in turn, {name}") for name, case in SLOTS_IN_TURN.items()]


def assert_exact(case, particles, **options):
    case = replace(case, particles=particles, options=options)
    (row,) = estimates(case, TraceEnum_ELBO, batches=1)
    loss, gradient = exact_gradient(case)
    assert row[0].item() == pytest.approx(loss, rel=1e-9)
    torch.testing.assert_close(row[1:], gradient, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("case", EVERYTHING)
def test_value_and_gradient_equal_those_of_brute_force(case):
    assert_exact(case, 1)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("vectorize", [True, False], ids=["at once", "one after another"])
def test_every_particle_is_exact_where_nothing_is_drawn(name, vectorize):
    assert_exact(EXACT[name], 2, vectorize_particles=vectorize)


@pytest.mark.parametrize(
    "name", ["hmm", "nested below one", "local below one, mini-batch", "tree", "families", *SOME_CHAINS]
)
@pytest.mark.parametrize("vectorize", [True, False], ids=["at once", "one after another"])
def test_particles_of_models_that_are_summed_out(name, vectorize):
    assert_exact(SUMMED[name], 3, vectorize_particles=vectorize)


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("particles", [1, 3])
@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_values_that_forbid_an_observation_count_nothing(case, particles, validate):
    with virgil.settings.context(validate=validate):
        assert_exact(case, particles)


def test_a_draw_that_some_values_forbid():
    check(LATENT_DRAWN, TraceEnum_ELBO)


def _drawn(model, guide, params):
    """The exact loss given one draw of the guide, and the seed set to draw the same again."""

    def loss(leaves):
        virgil.set_rng_seed(7)
        with virgil.ParamStore() as store:
            for name, value in leaves.items():
                virgil.param(f"q_{name}", value.detach())
            with store.substituted({f"q_{name}": value for name, value in leaves.items()}):
                trace = poutine.trace(guide).get_trace()
                values = {name: site.value for name, site in trace.iter_stochastic_nodes()}
                return trace.log_prob_sum() - log_evidence(model, values)

    virgil.set_rng_seed(7)
    return Case(model, guide, params, loss, particles=1)


def test_several_continuous_variables_are_drawn_and_the_rest_is_summed_out():
    """Given the draws, the loss and its gradient are those of the exact evidence."""

    @config_enumerate
    def model():
        scale = virgil.sample("scale", dist.LogNormal(torch.zeros(()), 1.0))
        with virgil.plate("components", 2):
            locs = virgil.sample("locs", dist.Normal(torch.zeros(()), 2.0))
        with virgil.plate("data", 3):
            z = flip("z", locs[0])
            virgil.sample("x", dist.Normal(torch.where(z > 0, locs[0], locs[1]), scale), obs=X3)

    def guide():
        virgil.sample("scale", dist.LogNormal(param("scale"), 0.4))
        with virgil.plate("components", 2):
            virgil.sample("locs", dist.Normal(param("locs"), param("log_scale").exp()))

    assert_exact(_drawn(model, guide, {"scale": 0.2, "locs": [-0.5, 0.8], "log_scale": -0.3}), 1)


@pytest.mark.parametrize("loop", [lambda: virgil.markov(range(4)), lambda: virgil.vectorized_markov("time", 4, dim=-1)])
def test_the_steps_of_a_chain_read_what_the_guide_has_drawn_for_each(loop):
    @config_enumerate
    def model():
        with virgil.plate("time", 4):
            noise = virgil.sample("noise", dist.LogNormal(torch.zeros(()), 1.0))
        state = torch.tensor(0)
        for t in loop():
            state = virgil.sample(f"z_{t}", dist.Categorical(logits=param("moves")[state]))
            virgil.sample(f"x_{t}", dist.Normal(param("locs")[state], noise[t]), obs=noise.detach()[t] + 0.4)

    def guide():
        with virgil.plate("time", 4):
            virgil.sample("noise", dist.LogNormal(param("noise"), 0.4))

    assert_exact(_drawn(model, guide, {"moves": [[0.3, -0.8], [0.1, 0.9]], "locs": [-1.0, 0.5], "noise": [0.1] * 4}), 1)


@pytest.mark.parametrize("name", ["below one in turn", "two in turn", "at once, then in turn", "nested"])
@pytest.mark.parametrize("vectorize", [True, False], ids=["at once", "one after another"])
def test_every_particle_is_exact_where_slots_take_their_values_in_turn(name, vectorize):
    assert_exact(SLOTS_IN_TURN[name], 2, vectorize_particles=vectorize)


def test_the_value_of_a_plates_only_slot_may_decide_what_is_stated():
    """The bound is that of the same guide without the plate."""

    def model(plate):
        with plate():
            z = flip("z", 0.7)
            more = flip("more", 0.2) if bool(z) else 0.5
            virgil.sample("x", dist.Normal(z + more, 1.0), obs=X3[0])

    def guide(plate):
        with plate():
            if bool(flip("z", param("z"), **IN_TURN)):
                flip("more", param("more"), **IN_TURN)

    with virgil.ParamStore():
        virgil.param("q_z", torch.tensor(0.4))
        virgil.param("q_more", torch.tensor(-0.3))
        one, none = [
            TraceEnum_ELBO().loss(model, guide, plate)
            for plate in (lambda: virgil.plate("data", 1), contextlib.nullcontext)
        ]
    assert one == pytest.approx(none, rel=1e-12)


@pytest.mark.parametrize("case", [*DRAWN.values(), *SLOTS_IN_TURN_DRAWN.values()], ids=[*DRAWN, *SLOTS_IN_TURN_DRAWN])
def test_loss_and_gradient_are_unbiased_where_some_are_drawn(case):
    check(case, TraceEnum_ELBO)


@pytest.mark.parametrize("name", ["drawn first", "in turn, normal last"])
def test_looped_particles_are_the_mean_of_single_ones(name):
    check_looped(DRAWN[name], TraceEnum_ELBO)


@pytest.mark.thorough
def test_looped_particles_are_unbiased():
    options = {"vectorize_particles": False}
    check(replace(DRAWN["drawn first"], batches=400, particles=25, options=options), TraceEnum_ELBO)
