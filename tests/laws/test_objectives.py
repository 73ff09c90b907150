"""The grid of an objective's choices: every legal combination against brute force, and every illegal one refused.

Estimates are compared as ``tests.exact.estimates`` says: a right one fails with a probability below 1e-7 at one
coordinate, so below 1e-4 for the some 500 coordinates of this file.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest
import torch

import virgil
from tests.exact.estimates import check, check_looped, estimates, exact_gradient
from tests.laws.objective_programs import PROGRAMS
from tests.laws.own_choices import importance_weighted, tempered
from virgil import poutine
from virgil.errors import ArgumentError, MismatchError
from virgil.infer import ELBO
from virgil.poutine.enumeration import enumerated_dim

pytestmark = pytest.mark.long


GRID = [
    pytest.param(name, terms, sum_out, id=f"{name}, {terms}, {sum_out}")
    for name, program in PROGRAMS.items()
    for terms in ("sampled", "analytic")
    for sum_out in program.sums
]


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


def of(terms, sum_out):
    return functools.partial(ELBO, terms=terms, sum_out=sum_out, strict_enumeration_warning=False)


@functools.cache
def exact(name):
    return exact_gradient(PROGRAMS[name].case)


@pytest.mark.parametrize(("name", "terms", "sum_out"), GRID)
def test_loss_and_gradient_are_those_of_brute_force(name, terms, sum_out):
    """Where nothing is left to chance, at every evaluation; else in mean."""
    case, objective = PROGRAMS[name].case, of(terms, sum_out)
    if is_certain(case, objective):
        (row,) = estimates(replace(case, particles=2), objective, batches=1)
        loss, gradient = exact(name)
        assert row[0].item() == pytest.approx(loss, rel=1e-9)
        torch.testing.assert_close(row[1:], gradient, rtol=1e-8, atol=1e-10)
    else:
        check(replace(case, particles=160), objective, exact(name))


def is_certain(case, objective):
    """Whether estimates are the same at every evaluation: those of many draws agree by chance once in 1e10."""
    several = replace(case, particles=100)
    first, *others = (estimates(several, objective, batches=1) for _ in range(2))
    if not torch.allclose(first, others[0], rtol=1e-12, atol=0.0):
        return False
    return all(torch.allclose(first, each, rtol=1e-12, atol=0.0) for each in estimates(several, objective, batches=8))


@pytest.mark.parametrize(("name", "terms", "sum_out"), GRID)
def test_particles_one_after_another_are_the_mean_of_single_ones(name, terms, sum_out):
    check_looped(PROGRAMS[name].case, of(terms, sum_out))


@pytest.mark.parametrize(
    ("name", "terms", "sum_out"), [each for each in GRID if PROGRAMS[each.values[0]].replays], ids=lambda each: each
)
def test_particles_at_once_are_the_mean_of_the_same_draws_alone(name, terms, sum_out):
    """Loss and gradient, for every draw: what is drawn pathwise is replayed with its derivative."""
    case = PROGRAMS[name].case
    with virgil.ParamStore() as store:
        leaves = []
        for key, value in case.start().items():
            virgil.param(f"q_{key}", value)
            leaves.append(store.unconstrained(f"q_{key}"))
        loss, executions = of(terms, sum_out)(num_particles=3, vectorize_particles=True).examined(
            case.model, case.guide, (), {}
        )
        at_once = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
        ((_, drawn), _) = executions
        single = of(terms, sum_out)()
        with virgil.settings.context(validate=False):  # a value drawn for each value of another is no single value
            alone = sum(
                single.differentiable_loss(case.model, poutine.replay(case.guide, trace=one_draw(drawn, particle)))
                for particle in range(3)
            )
        torch.testing.assert_close(loss, alone / 3, rtol=1e-10, atol=1e-12)
        for mine, its in zip(at_once, torch.autograd.grad(alone / 3, leaves, allow_unused=True), strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-9, atol=1e-11)


def one_draw(drawn, particle):
    """The values of one particle, of sites that are not enumerated."""
    values = poutine.Trace()
    for name, site in drawn.nodes.items():
        if site.kind == "plate":
            values.nodes[name] = site
        elif site.is_latent and enumerated_dim(site) is None:
            (dim,) = [frame.dim for frame in site.frames if frame.particle]
            values.nodes[name] = site.replace(value=site.value.select(dim - len(site.fn.event_shape), particle))
    return values


# what does not fit together

AVERAGED = "a function of the importance weight of each draw"
OF_CHOICES = {
    "divergence and weights": (
        {"terms": "analytic", "bound": importance_weighted},
        ["terms='analytic' and bound='importance_weighted' do not fit together", AVERAGED, "Use terms='sampled'"],
    ),
    "terms of no weight, and weights": (
        {"terms": tempered, "bound": importance_weighted},
        ["terms='tempered' and bound='importance_weighted' do not fit together", AVERAGED],
    ),
    "average of the guide and weights": (
        {"sum_out": "guide", "bound": importance_weighted},
        ["sum_out='guide' and bound='importance_weighted' do not fit together", "outside the logarithm", AVERAGED],
    ),
    "both and weights": (
        {"sum_out": "both", "bound": importance_weighted},
        ["sum_out='both' and bound='importance_weighted' do not fit together", "Use sum_out='model'"],
    ),
}
OF_PROGRAMS = {
    "score and weights": (
        "mixed",
        {"bound": importance_weighted},
        ArgumentError,
        ["gradient='pathwise_or_score' and bound='importance_weighted' do not fit together for site 'a'", "rsample"],
    ),
    "nothing summed out": ("summed below", {}, MismatchError, ["'a' is latent", "marked to be enumerated"]),
    "the model's not summed out": (
        "summed below",
        {"sum_out": "guide", "strict_enumeration_warning": False},
        MismatchError,
        ["'a' is latent", "marked to be enumerated"],
    ),
}


@pytest.mark.parametrize(("choices", "parts"), OF_CHOICES.values(), ids=OF_CHOICES)
def test_choices_that_do_not_fit_are_refused_when_the_objective_is_made(choices, parts):
    with pytest.raises(ArgumentError) as caught:
        ELBO(num_particles=3, **choices)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*asks for enumeration, and ELBO draws:virgil.errors.FitWarning")
@pytest.mark.parametrize("particles", [1, 3])
@pytest.mark.parametrize(("name", "choices", "error", "parts"), OF_PROGRAMS.values(), ids=OF_PROGRAMS)
def test_choices_that_do_not_fit_the_programs_are_refused_before_a_step(name, choices, error, parts, particles):
    case = PROGRAMS[name].case
    with virgil.ParamStore() as store:
        for key, value in case.start().items():
            virgil.param(f"q_{key}", value)
        before = {key: value.detach().clone() for key, value in store.items()}
        svi = virgil.infer.SVI(
            case.model, case.guide, virgil.optim.SGD({"lr": 1.0}), ELBO(num_particles=particles, **choices)
        )
        with pytest.raises(error) as caught:
            svi.step()
        assert all(torch.equal(before[key], value) for key, value in store.items())
    for part in parts:
        assert part in str(caught.value)
