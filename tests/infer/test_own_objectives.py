"""Objectives of a user's own: functions in place of names, records, classes of their own and those of former days."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import HALF
from tests.exact.enumeration import log_evidence
from tests.exact.estimates import check, check_looped
from tests.laws.objective_programs import PROGRAMS, X
from tests.laws.own_choices import HEAT, importance_weighted, sticking_the_landing, tempered
from virgil import poutine
from virgil.errors import ArgumentError, FitWarning
from virgil.infer import (
    ELBO,
    JitTrace_ELBO,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceMeanField_ELBO,
    config_enumerate,
    infer_discrete,
)
from virgil.infer.elbo import Bound, Choices, GradientRule, SumOut, Terms
from virgil.infer.elbo.analytic import analytic
from virgil.infer.elbo.bound import MEAN, mean
from virgil.infer.elbo.summed_costs import sum_out
from virgil.infer.elbo.terms import SAMPLED


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


def params(case):
    store = virgil.ParamStore()
    with store:
        for name, value in case.start().items():
            virgil.param(f"q_{name}", value)
    return store, [store.unconstrained(f"q_{name}") for name in case.start()]


def assert_same_gradients(mine, its, leaves):
    gradients = (torch.autograd.grad(each, leaves, retain_graph=True) for each in (mine, its))
    for got, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-11)


def draws_of(executions, at_once):
    """The values of the guide in each particle, with their log-density."""
    for role, trace in executions:
        if role == "guide":
            latent = dict(trace.iter_stochastic_nodes())
            for particle in range(4 if at_once else 1):
                pick = (lambda each, k=particle: each[k]) if at_once else (lambda each: each)
                yield (
                    {name: pick(site.value) for name, site in latent.items()},
                    sum(pick(site.log_prob) for site in latent.values()),
                )


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("name", "sums"), [("normal", "none"), ("summed below", "model"), ("summed above", "model")])
def test_a_bound_of_ones_own_is_the_function_of_exact_log_weights(name, sums, at_once):
    """Loss and gradient on the same draws, each draw's log weight by a sum over all assignments."""
    case = PROGRAMS[name].case
    store, leaves = params(case)
    with store:
        elbo = ELBO(num_particles=4, vectorize_particles=at_once, sum_out=sums, bound=importance_weighted)
        loss, executions = elbo.examined(case.model, case.guide, (), {})
        log_weights = [log_evidence(case.model, values) - log_q for values, log_q in draws_of(executions, at_once)]
    exact = math.log(4) - torch.stack(log_weights).logsumexp(0)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-10)
    assert_same_gradients(loss, exact, leaves)


def test_a_bound_of_one_particle_gets_one_log_weight():
    seen = []

    def noted(log_weights):
        seen.append(tuple(log_weights.shape))
        return log_weights.sum()

    case = PROGRAMS["normal"].case
    with params(case)[0]:
        ELBO(bound=noted).loss(case.model, case.guide)
        ELBO(bound=noted, num_particles=3).loss(case.model, case.guide)
        ELBO(bound=noted, num_particles=3, vectorize_particles=False).loss(case.model, case.guide)
    assert seen == [(1,), (3,), (3,)]


def test_a_bound_of_nothing_drawn_has_a_log_weight_for_each_particle():
    case = PROGRAMS["summed below"].case
    prior = poutine.condition(case.model, {"w": torch.tensor(0.3), "a": torch.tensor(1.0)})
    loss = ELBO(bound=importance_weighted, num_particles=5).loss(prior, lambda: None)
    assert loss == pytest.approx(-log_evidence(prior, {}).item())


def test_a_gradient_rule_of_ones_own_is_unbiased():
    case = replace(PROGRAMS["normal"].case, particles=160)
    check(case, partial(ELBO, gradient=sticking_the_landing))
    check_looped(case, partial(ELBO, gradient=sticking_the_landing))


@pytest.mark.parametrize("particles", [1, 3])
def test_at_the_exact_posterior_its_path_has_no_noise(particles):
    """Given x, w is normal with mean x / 2 and variance 1 / 2."""
    case = PROGRAMS["normal"].case
    with virgil.ParamStore() as store:
        virgil.param("q_loc", X[0] / 2)
        virgil.param("q_log_scale", torch.tensor(-0.5 * math.log(2.0)))
        leaves = [store.unconstrained(name) for name in ("q_loc", "q_log_scale")]
        gradients = {}
        for rule in (sticking_the_landing, "pathwise_or_score"):
            loss = ELBO(gradient=rule, num_particles=particles).differentiable_loss(case.model, case.guide)
            gradients[rule] = torch.stack(torch.autograd.grad(loss, leaves))
    assert gradients[sticking_the_landing].abs().max() < 1e-12
    assert gradients["pathwise_or_score"].abs().max() > 1e-6


@pytest.mark.parametrize("particles", [1, 4])
def test_terms_of_ones_own_stand_inside_the_sum(particles):
    """Half of log p(w | m) belongs to the sum over m, half of log q(w) does not."""
    case = PROGRAMS["summed above"].case
    store, leaves = params(case)
    with store:
        elbo = ELBO(terms=tempered, sum_out="model", num_particles=particles, vectorize_particles=True)
        loss, ((_, guide), _) = elbo.examined(case.model, case.guide, (), {})
        q = guide.nodes["w"]
    normal = torch.distributions.Normal
    m = torch.tensor([0.0, 1.0]).reshape(2, *(1,) * q.value.dim())
    prior = torch.distributions.Bernoulli(logits=HALF)
    inside = prior.log_prob(m) + HEAT * normal(m, 1.0).log_prob(q.value)
    each = inside.logsumexp(0) + normal(q.value, 1.0).log_prob(X[0]) - HEAT * q.log_prob
    exact = -each.mean()
    assert loss.item() == pytest.approx(exact.item(), rel=1e-10)
    assert_same_gradients(loss, exact, leaves)


def test_a_term_that_cannot_stand_inside_the_sum_is_refused():
    def divergences(guide, model, unstated):
        (term,) = [each for each in SAMPLED.of_pair(guide, model, unstated) if each.sign > 0]
        return [term._replace(sign=-1, guide_position=guide.position)]

    case = PROGRAMS["summed above"].case
    with params(case)[0], pytest.raises(ArgumentError, match=r"site 'w' a term that depends on 'm', which the model"):
        ELBO(terms=divergences, sum_out="model").loss(case.model, case.guide)


def test_a_way_of_summing_out_of_ones_own():
    case, pairs = PROGRAMS["mixed"].case, []

    def noted(pair, terms, particle_dim):
        pairs.append(pair)
        return sum_out(pair, terms, particle_dim)

    losses = []
    with params(case)[0]:
        for way in (noted, "both"):
            virgil.set_rng_seed(3)
            losses.append(ELBO(sum_out=way).loss(case.model, case.guide))
    assert losses[0] == losses[1]
    assert len(pairs) == 1


def test_analytic_divergences_beside_enumeration_leave_nothing_to_chance():
    """Without an observation below it, a normal variable given an enumerated one has an exact divergence."""
    case = PROGRAMS["mixed"].case
    prior = poutine.block(case.model, hide=["x"])
    with params(case)[0] as store:
        losses = [ELBO(terms="analytic", sum_out="guide").loss(prior, case.guide) for _ in range(5)]
        drawn = [ELBO(sum_out="guide").loss(prior, case.guide) for _ in range(5)]
        q = {name.removeprefix("q_"): value.detach() for name, value in store.items()}
    share, scale = torch.sigmoid(q["a"]), q["log_scale"].exp()
    kl = torch.distributions.kl_divergence
    normal, flip = torch.distributions.Normal, torch.distributions.Bernoulli
    of_w = [kl(normal(q["loc"] + q["slope"] * a, scale), normal(1.2 * a - 0.5, 1.0)) for a in (0.0, 1.0)]
    exact = kl(flip(share), flip(torch.sigmoid(HALF))) + (1 - share) * of_w[0] + share * of_w[1]
    assert losses == pytest.approx([exact.item()] * 5, rel=1e-12)
    assert len(set(drawn)) == 5


# classes


def test_a_class_of_ones_own_has_a_record_for_its_choices():
    class Mine(ELBO):
        choices = Choices(num_particles=3).but(terms="analytic", sum_out="model")

    mine = Mine(sum_out="both")
    assert (mine.choices.terms.name, mine.choices.sum_out.name, mine.num_particles) == ("analytic", "both", 3)
    assert (mine.enumerates, mine.enumerates_guide, mine.vectorize_particles) == (True, True, None)


@pytest.mark.parametrize(
    ("named", "options"),
    [
        (Trace_ELBO, {}),
        (TraceMeanField_ELBO, {"terms": "analytic"}),
        (TraceEnum_ELBO, {"sum_out": "both"}),
        (JitTrace_ELBO, {}),
    ],
)
def test_the_named_objectives_are_thin(named, options):
    assert named(num_particles=2).choices == ELBO(num_particles=2, **options).choices


def _losses(objective):
    case, losses = PROGRAMS["mixed"].case, []
    virgil.set_rng_seed(5)
    with params(case)[0]:
        for _ in range(5):
            losses.append(objective.loss(case.model, case.guide))
    return losses


class FormerFunction(TraceEnum_ELBO):
    latent_terms = staticmethod(analytic)


class FormerMethod(TraceEnum_ELBO):
    def latent_terms(self, guide, model, unstated):
        return analytic(guide, model, unstated)


class FormerEnumerates(TraceMeanField_ELBO):
    enumerates = True


@pytest.mark.parametrize("former", [FormerFunction, FormerMethod, FormerEnumerates])
def test_class_attributes_of_former_days_choose(former):
    assert _losses(former()) == _losses(ELBO(terms="analytic", sum_out="both"))
    assert _losses(former()) != _losses(TraceEnum_ELBO())


def test_enumeration_may_be_turned_off_as_in_former_days():
    class Drawing(TraceEnum_ELBO):
        enumerates = False

    accepted = {"strict_enumeration_warning": False}
    assert _losses(Drawing(**accepted)) == _losses(Trace_ELBO(**accepted))


@pytest.mark.parametrize(
    ("former", "options", "message"),
    [
        (FormerFunction, {"terms": "sampled"}, r"FormerFunction has the class attribute latent_terms and got terms="),
        (FormerEnumerates, {"sum_out": "none"}, r"has the class attribute enumerates and got sum_out='none', but both"),
    ],
)
def test_an_attribute_and_an_argument_for_one_choice_are_refused(former, options, message):
    with pytest.raises(ArgumentError, match=message):
        former(**options)


@pytest.mark.parametrize("name", ["enumerates", "latent_terms"])
def test_a_choice_cannot_be_changed_afterwards(name):
    with pytest.raises(ArgumentError, match=f"{name} of a Trace_ELBO cannot be changed.*Make another one"):
        setattr(Trace_ELBO(), name, 3)


def test_the_number_of_particles_can():
    """The trial of whether they run at once is made for the new number, and a number out of range is refused."""
    seen = []

    def noted(log_weights):
        seen.append(tuple(log_weights.shape))
        return log_weights.sum()

    case = PROGRAMS["normal"].case
    objective = ELBO(bound=noted)
    with params(case)[0]:
        for count in (1, 4):
            objective.num_particles = count
            _, executions = objective.examined(case.model, case.guide, (), {})
    assert seen == [(1,), (4,)]
    assert len(executions) == 2
    with pytest.raises(ArgumentError, match="got num_particles=0"):
        objective.num_particles = 0
    assert objective.num_particles == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"terms": "analytical"}, r"An objective got terms='analytical'. Did you mean 'analytic'\?"),
        ({"sum_out": "discrete"}, r"got sum_out='discrete'. Known names: 'both', 'guide', 'model', 'none'"),
        ({"gradient": "score"}, r"got gradient='score'"),
        ({"bound": 3}, r"got bound=3; it takes 'mean', or a function"),
        ({"bound": SAMPLED}, r"got bound=<Terms>; it takes 'mean', or a function"),
    ],
)
def test_what_is_no_choice(options, message):
    with pytest.raises(ArgumentError, match=message):
        ELBO(**options)


def test_a_function_of_the_house_is_the_choice_of_its_name():
    assert ELBO(bound=mean).choices.bound is MEAN
    assert ELBO(terms=analytic).choices == ELBO(terms="analytic").choices


@pytest.mark.parametrize(
    "choice",
    [
        {"terms": Terms("own", tempered)},
        {"sum_out": SumOut("own", sum_out)},
        {"gradient": GradientRule("own", sticking_the_landing)},
        {"bound": Bound("own", importance_weighted)},
    ],
    ids=lambda choice: next(iter(choice)),
)
def test_a_record_is_the_choice_itself(choice):
    ((field, record),) = choice.items()
    assert getattr(ELBO(**choice).choices, field) is record


# arguments of former days


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jit_options": {"optimize": True}}, r"Trace_ELBO got jit_options=.*does nothing.*without torch.jit.trace"),
        ({"tail_adaptive_beta": -0.5}, r"got tail_adaptive_beta=-0.5, which does nothing.*no bound has tail-adaptive"),
    ],
)
def test_arguments_that_do_nothing_say_so(options, message):
    with pytest.warns(UserWarning, match=message):
        Trace_ELBO(**options)


@pytest.mark.parametrize("validate", [True, False])
def test_an_objective_that_finds_nothing_to_sum_out_says_so_once(validate):
    def model():
        virgil.sample("z", dist.Normal(torch.zeros(()), 1.0))

    virgil.enable_validation(validate)
    for objective in (TraceEnum_ELBO(), ELBO(sum_out="guide")):
        with pytest.warns(FitWarning, match="finds nothing to sum out: no site is marked.*config_enumerate"):
            objective.loss(model, model)
        objective.loss(model, model)
    TraceEnum_ELBO(strict_enumeration_warning=False).loss(model, model)


@pytest.mark.parametrize("as_decorator", [True, False])
def test_inference_of_nothing_runs_the_model(as_decorator):
    def model():
        return virgil.sample("z", dist.Normal(torch.zeros(()), 1.0))

    options = {"temperature": 0, "strict_enumeration_warning": False}
    program = infer_discrete(**options)(model) if as_decorator else infer_discrete(model, **options)
    virgil.set_rng_seed(2)
    value = program()
    virgil.set_rng_seed(2)
    assert value == model()
    unasked = infer_discrete(model, temperature=0)
    with pytest.warns(FitWarning, match="There is no discrete variable to infer: the model is run as it is"):
        unasked()
    virgil.set_rng_seed(2)
    assert unasked() == value


def test_marks_of_the_program_that_is_not_summed_out_do_not_count():
    case = PROGRAMS["mixed"].case
    plain = poutine.infer_config(case.guide, config_fn=lambda site: {"enumerate": None})
    with params(case)[0]:
        ELBO(sum_out="model").loss(case.model, plain)
        with pytest.warns(FitWarning, match="ELBO with sum_out='guide' finds nothing"):
            ELBO(sum_out="guide").loss(config_enumerate(case.model), plain)
