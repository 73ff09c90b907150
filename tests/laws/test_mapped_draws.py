"""Programs that index or reduce from the left: draws at once, by ``torch.func.vmap``, are those that run alone."""

from functools import partial

import pytest
import torch

import virgil
from tests.graphs.test_engines import assert_xla_gives_the_eager_step
from tests.laws.indexing_programs import MEANS, OTHERS, Y, pair_of
from virgil.distributions.core.validation import unchecked
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.density.draws_at_once import joint_of
from virgil.infer.density.execution import Call
from virgil.infer.density.mapped import OneDraw, drawn_values
from virgil.infer.elbo.particles import run_particles
from virgil.poutine import trace
from virgil.poutine.replay import Replay

COUNT = 4
BY_DIM = {"weights of two layers"}  # which broadcasts
ALL = {name: (*pair_of(name), (Y,)) for name in MEANS} | OTHERS
PLAIN = [name for name in MEANS if name not in BY_DIM]


def objective(name, **options):
    return (TraceEnum_ELBO if name.startswith("enumerated") else Trace_ELBO)(num_particles=COUNT, **options)


def taken(elbo, name):
    """The bound of particles at once, and the particles."""
    model, guide, args = ALL[name]
    call = Call(model, guide, args, {})
    with unchecked():
        structure = elbo._structure(call)
        trace(guide).get_trace(*args)  # makes the parameters
        return *elbo._bound(call, structure), structure


def alone(elbo, particles, structure, number):
    """The bound of one of the particles, run alone on its values."""
    call, values = particles.call, drawn_values(particles.pairs[0])

    def on_values(program):
        return OneDraw(particles.dim, COUNT, lambda rows: rows[number])(Replay(values)(program))

    run = partial(elbo._costs, dependences=structure.dependences)
    single = Call(on_values(call.model), on_values(call.guide), call.args, call.kwargs)
    with unchecked():
        one = run_particles(single, run, 1, particles.draws.one_by_one())
        return elbo.choices.gradient.estimate(one, elbo.choices.bound)


def gradients(loss):
    leaves = dict(virgil.get_param_store().named_parameters())
    found = torch.autograd.grad(loss, leaves.values(), allow_unused=True, retain_graph=True)
    return {
        name: torch.zeros_like(leaf) if each is None else each
        for (name, leaf), each in zip(leaves.items(), found, strict=True)
    }


@pytest.mark.parametrize("name", ALL)
def test_bound_and_gradient_are_the_mean_of_those_alone(name):
    elbo = objective(name)
    bound, particles, structure = taken(elbo, name)
    assert structure.particles.mapped is (name not in BY_DIM)
    singles = [alone(elbo, particles, structure, number) for number in range(COUNT)]
    torch.testing.assert_close(bound, torch.stack(singles).mean(), rtol=1e-5, atol=1e-5)
    mine, theirs = gradients(bound), [gradients(each) for each in singles]
    assert mine
    for leaf, value in mine.items():
        mean = torch.stack([each[leaf] for each in theirs]).mean(0)
        torch.testing.assert_close(value, mean, rtol=1e-4, atol=1e-5, msg=leaf)


@pytest.mark.parametrize("name", MEANS)
def test_analytic_divergences_are_those_alone(name):
    elbo = TraceMeanField_ELBO(num_particles=COUNT)
    bound, particles, structure = taken(elbo, name)
    singles = [alone(elbo, particles, structure, number) for number in range(COUNT)]
    torch.testing.assert_close(bound, torch.stack(singles).mean(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", PLAIN)
def test_draws_given_to_predictive_have_the_values_that_each_has_alone(name):
    model, guide, args = ALL[name]
    draws = Predictive(guide, num_samples=COUNT, parallel=True)(*args)
    one, other = (
        Predictive(model, draws, return_sites=["mean"], parallel=parallel)(*args)["mean"] for parallel in (True, False)
    )
    assert one.shape == (COUNT, 6)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", PLAIN)
def test_log_weights_of_draws_of_a_fit_are_those_alone(name):
    model, guide, args = ALL[name]
    with torch.no_grad():
        joint = joint_of(Call(model, guide, args, {}), enumerates=False)
        assert joint.draws.mapped
        pair = joint.run(COUNT)
        weights, values = joint.log_weights(pair, COUNT), joint.values(pair, COUNT)
        for number in range(COUNT):
            given = {each: value[number] for each, value in values.items()}
            densities = [
                trace(virgil.poutine.condition(program, given)).get_trace(*args).log_prob_sum()
                for program in (model, guide)
            ]
            torch.testing.assert_close(weights[number], (densities[0] - densities[1]).double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_a_seed_fixes_the_losses(name):
    losses = []
    for _ in range(2):
        virgil.clear_param_store()
        virgil.set_rng_seed(3)
        model, guide, args = ALL[name]
        losses.append(SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective(name)).run(3, *args).losses)
    assert torch.equal(*losses)


MASKED = {"a mask", "columns by a mask", "missing values put in"}  # XLA refuses these with one particle as well


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        each if each in ("group and slope", "scored") else pytest.param(each, marks=pytest.mark.every_engine)
        for each in ALL
        if each not in MASKED
    ],
)
def test_xla_takes_the_eager_step(name):
    model, guide, args = ALL[name]
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective(name))
    svi.step(*args)
    assert_xla_gives_the_eager_step(svi, svi.session.compiled("xla").make(args, {}), args)
