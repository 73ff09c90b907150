"""Enumeration: each mistake is named, by an error and never by a wrong sum, and what fits hears nothing."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.pairs import chained, enumerated
from tests.pairs.enumerated import flip, nothing, pick, see, two_back
from virgil import poutine
from virgil.errors import ArgumentError, FitWarning, MismatchError, PlateError, ShapeError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate, infer_discrete

PAIRS = {**enumerated.PAIRS, **chained.PAIRS}
OF_MODELS = {name: each for name, each in chained.MISTAKES.items() if name not in chained.OF_THE_GUIDE}


def _fit(model, guide, *args, steps=1, loss=None):
    return SVI(model, guide, virgil.optim.SGD({"lr": 0.01}), loss or TraceEnum_ELBO()).run(steps, *args)


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("mistake", OF_MODELS.values(), ids=OF_MODELS)
def test_inference_of_states_names_the_mistakes_of_a_chain_as_well(mistake, temperature):
    with pytest.raises(mistake.verdict) as caught:
        infer_discrete(mistake.model, temperature=temperature)()
    for part in mistake.parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(("model", "guide"), PAIRS.values(), ids=PAIRS)
def test_nesting_is_found_and_may_be_given(model, guide):
    losses = []
    for nesting in (None, 2, 3):
        virgil.set_rng_seed(4)
        with virgil.ParamStore():
            losses.append(TraceEnum_ELBO(max_plate_nesting=nesting).loss(model, guide))
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


@config_enumerate
def _plated():
    with virgil.plate("rows", 3, dim=-2), virgil.plate("columns", 2, dim=-1):
        z = pick("z")
        see("x", z.float())


def _plated_guide():
    with virgil.plate("rows", 3, dim=-2), virgil.plate("columns", 2, dim=-1):
        pick("z", infer={"enumerate": "parallel"})


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("guide", [nothing, _plated_guide])
@pytest.mark.parametrize("particles", [1, 4])
def test_too_small_a_nesting_is_named(guide, particles, validate):
    virgil.enable_validation(validate)
    objective = TraceEnum_ELBO(max_plate_nesting=1, num_particles=particles)
    with pytest.raises(PlateError, match=r"'rows'.*Set max_plate_nesting=2 or more"):
        objective.loss(_plated, guide)


def test_without_enumeration_the_error_names_what_enumerates():
    model = enumerated.MISTAKES["missing in the guide"].model
    with pytest.raises(MismatchError, match=r"'z' is latent.*TraceEnum_ELBO sums .* config_enumerate"):
        _fit(model, nothing, loss=Trace_ELBO())


def test_a_changed_structure_is_looked_at_again():
    """Too short a chain cannot show that it depends on two steps back; the longer one of a later call does."""
    model = config_enumerate(lambda length: two_back(length, history=1))
    objective = TraceEnum_ELBO()
    guide = lambda length: None  # noqa: E731
    _fit(model, guide, 2, loss=objective)
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"At site 'x2'.*values of 'z0'.*larger history="):
            _fit(model, guide, 5, loss=objective)
    _fit(config_enumerate(lambda length: two_back(length, history=2)), guide, 5)


@pytest.mark.parametrize("use", ["loss", "compute_marginals"])
def test_a_chain_of_one_step_says_nothing_of_longer_ones(use):
    def model(size):
        state = torch.tensor(0)
        for number, t in enumerate(virgil.vectorized_markov("time", size, dim=-1)):
            state = pick(f"z_{t}", state)
            see(f"x_{t}", state + 0.1 * number)

    objective, model, guide = TraceEnum_ELBO(), config_enumerate(model), lambda size: None
    getattr(objective, use)(model, guide, 1)
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"At site 'x_1:6', .* as at 'x_1'"):
            getattr(objective, use)(model, guide, 6)


@pytest.mark.parametrize("lag", [2, 3, 7, 20])
def test_a_dependence_longer_than_the_history_is_found_at_any_lag(lag):
    @config_enumerate
    def model():
        past = [torch.tensor(0)] * lag
        for t in virgil.markov(range(40)):
            past.append(pick(f"z{t}", past[-1]))
            see(f"x{t}", past[-1] + 0.5 * past[-1 - lag])

    with pytest.raises(ShapeError, match=rf"At site 'x{lag}'.*values of 'z0'"):
        TraceEnum_ELBO().loss(model, nothing)


def test_a_site_that_the_guide_draws_may_be_marked_in_the_model():
    model, guide = config_enumerate(lambda: see("x", flip("z"))), lambda: flip("z", 0.3)
    assert torch.isfinite(_fit(model, guide).losses).all()


def test_marks_do_nothing_under_other_objectives():
    virgil.set_rng_seed(3)
    plain = Trace_ELBO().loss(lambda: see("x", flip("z")), lambda: flip("z", 0.3))
    virgil.set_rng_seed(3)
    marked = config_enumerate(lambda: see("x", flip("z"))), config_enumerate(lambda: flip("z", 0.3))
    with pytest.warns(FitWarning, match="the guide asks for enumeration, and Trace_ELBO draws the variable"):
        assert Trace_ELBO().loss(*marked) == plain


def test_nothing_marked_is_the_plain_objective():
    def model():
        w = virgil.sample("w", dist.Normal(0.0, 1.0))
        see("x", w + flip("z"))

    def guide():
        virgil.sample("w", dist.Normal(virgil.param("m", torch.tensor(0.2)), 1.0))
        flip("z", virgil.param("l", torch.tensor(0.3)))

    losses = []
    for objective in (Trace_ELBO, TraceEnum_ELBO):
        virgil.set_rng_seed(3)
        losses.append(objective(num_particles=5, strict_enumeration_warning=False).loss(model, guide))
    assert losses[0] == losses[1]


def test_a_scale_by_slot_of_a_sum_over_slots_is_refused_without_checks_as_well():
    @config_enumerate
    def model():
        with virgil.plate("groups", 2, dim=-2):
            kind = flip("kind")
            with virgil.plate("data", 3, dim=-1):
                see("x", flip("z", kind.float()))

    virgil.enable_validation(False)
    each = poutine.scale(model, scale=torch.tensor([[0.5, 1.0, 2.0]]))
    with pytest.raises(
        ShapeError, match=r"At site 'kind', the scale of shape \(1, 3\) has size 3 at dim -1, which is no"
    ):
        TraceEnum_ELBO().loss(each, nothing)


def test_draws_beyond_the_history_of_a_chain_are_refused_without_checks_as_well():
    mistake = enumerated.MISTAKES["draws of a chain beyond its history"]
    model, guide = mistake.model, mistake.guide
    virgil.enable_validation(False)
    with pytest.raises(ShapeError, match=r"Site 'z2' has num_samples=3 along batch dim -1, .* has size 3 already"):
        TraceEnum_ELBO().loss(model, guide)


def test_inference_of_discrete_variables_takes_no_draws():
    model = config_enumerate(lambda: see("x", flip("z")), num_samples=3)
    with pytest.raises(ArgumentError, match="'z' is marked with num_samples=3"):
        infer_discrete(model)()
