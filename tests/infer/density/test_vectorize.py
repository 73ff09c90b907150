"""Draws at once: the comparison that allows them, and where draws stand in an execution."""

import re

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import FitWarning, ShapeError
from virgil.infer.density.draws_check import _together, difference, for_particles
from virgil.infer.density.execution import Call
from virgil.infer.density.vectorize import Vectorization
from virgil.poutine.plate import active_frames
from virgil.poutine.runtime import Handler


def guide():
    virgil.sample("w", dist.Normal(virgil.param("loc", torch.zeros(3)), 1.0).to_event(1))


def model():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.deterministic("last", w[..., -1])
    with virgil.plate("data", 2):
        virgil.sample("x", dist.Normal(w.sum(-1), 1.0), obs=torch.zeros(2))


def together(program, other, dim):
    draws = Vectorization(dim, at_once=True)
    return _together(lambda _: Call(program, other, (), {}), draws, lambda pair, running: None).pair


def why(program, dim=-2, compared=lambda site: False, mapped=False):
    return difference(lambda _: Call(program, guide, (), {}), Vectorization(dim, True, mapped=mapped), compared)


def test_as_many_are_tried_as_no_dim_of_the_programs_has():
    pair = together(model, guide, -2)
    assert pair.guide.nodes["w"].value.shape == (5, 1, 3)
    assert pair.model.nodes["x"].extended_log_prob().shape == (5, 2)


def test_without_such_dims_two_are_tried():
    def scalar():
        virgil.sample("z", dist.Normal(0.0, 1.0))

    assert together(scalar, scalar, -1).guide.nodes["z"].value.shape == (2,)


def test_a_model_that_broadcasts_may_run_with_draws_at_once():
    assert why(model) is None
    assert why(model, compared=lambda site: site.kind == "deterministic") is None


def indexed():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.sample("x", dist.Normal(w[0].sum(-1), 1.0), obs=torch.tensor(0.0))


def recorded():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.deterministic("first", w[0])


def branching():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    if w.sum(-1) > 0:
        virgil.sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(0.0))


def random():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.sample("x", dist.Normal(w.sum(-1) + torch.randn(()), 1.0), obs=torch.tensor(0.0))


def random_elsewhere():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    virgil.sample("x", dist.Normal(w.sum(-1) + np.random.standard_normal(), 1.0), obs=torch.tensor(0.0))


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (indexed, "site 'x' has another log-probability when its draw runs alone"),
        (recorded, r"ShapeError: .*'first' has shape \(1, 3\) for 2 draws at once, where one draw has \(\)"),
        (branching, "RuntimeError: Boolean value of Tensor with more than one value is ambiguous, after site 'w'"),
        (random, "they draw random numbers besides their sites', which draws would share"),
    ],
)
def test_the_reason_names_the_site(program, reason):
    assert re.search(reason, why(program, compared=lambda site: site.kind == "deterministic"))


@pytest.mark.parametrize("program", [model, indexed, recorded, random])
def test_by_vmap_each_draw_is_what_it_is_alone(program):
    assert why(program, compared=lambda site: site.kind == "deterministic", mapped=True) is None


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (branching, "RuntimeError: vmap: .*data-dependent control flow.*, after site 'w'"),
        (random_elsewhere, "they draw random numbers besides their sites', which draws would share"),
    ],
)
def test_by_vmap_the_reason_names_the_site(program, reason):
    assert re.search(reason, why(program, mapped=True))


class Holding(Handler):
    """Gives a variable one of four values, or all of them where draws run at once."""

    def handle(self, site, outer):
        if site.is_latent:
            values = torch.arange(12.0).reshape(4, 1, 3)
            at_once = any(frame.particle for frame in active_frames())
            site = site.with_value(values if at_once else values[0, 0])
        return outer(site)


def test_a_guide_may_hold_values_for_as_many_particles_as_are_asked_for():
    call = Call(model, Holding()(guide), (), {})
    assert for_particles(call, 1, asked_for=4) == Vectorization(-2, at_once=True)
    for options in ({}, {"asked_for": 5}):  # else each has the value that it has alone
        assert for_particles(call, 1, **options) == Vectorization(-2, at_once=True, mapped=True)


def test_who_asks_for_particles_at_once_hears_why_they_are_not():
    call = Call(branching, guide, (), {})
    with pytest.warns(FitWarning, match=r"one after another.*ambiguous, after site 'w'.*vmap.*data-dependent control"):
        assert not for_particles(call, 1, asked_for=5).at_once
    assert not for_particles(call, 1).at_once  # in silence


def test_a_deterministic_site_matters_only_to_who_asks():
    assert why(recorded) is None


def test_draws_stand_left_of_all_plates():
    draws = Vectorization(dim=-3, at_once=True, chunk=4)
    assert [len(each) for each in draws.chunks(10)] == [4, 4, 2]
    values = torch.arange(24.0).reshape(4, 3, 2)  # of sites in one plate, with an event of two
    placed = draws.placed(values, event_dim=1)
    assert placed.shape == (4, 1, 3, 2)
    assert torch.equal(draws.stacked("x", placed, values[0], 4), values)
    assert torch.equal(Vectorization(dim=-3, at_once=False).placed(values[:1], 1), values[0])


def test_what_has_no_draws_is_repeated_and_what_has_another_shape_refused():
    draws = Vectorization(dim=-1, at_once=True)
    assert torch.equal(draws.stacked("x", torch.ones(3), torch.ones(3), 2), torch.ones(2, 3))
    with pytest.raises(ShapeError, match=r"'x' has shape \(5,\) for 2 draws at once, where one draw has \(3,\)"):
        draws.stacked("x", torch.ones(5), torch.ones(3), 2)


def test_log_probabilities_are_summed_over_plates_by_draw():
    draws = Vectorization(dim=-2, at_once=True)
    frames = (virgil.poutine.trace(model).get_trace().nodes["x"].frames[0],)
    values = torch.arange(6.0).reshape(3, 2)
    assert torch.equal(draws.per_draw(values, frames, 3), torch.tensor([1.0, 5.0, 9.0], dtype=torch.float64))
    assert torch.equal(draws.per_draw(values[0], frames, 3), torch.ones(3, dtype=torch.float64))
