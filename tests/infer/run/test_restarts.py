"""Restarts: from different initial values, on every engine, the best kept and all reported."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.run.programs import DATA, Amortised, amortised, conjugate
from virgil.engine.recording.capture import capture
from virgil.engine.runner import Inputs
from virgil.engine.xla.restarts import XlaRestarts
from virgil.engine.xla.run import XlaRunner
from virgil.errors import ArgumentError, NonFiniteError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoDelta, AutoNormal, init_to_sample, init_to_uniform

engines = pytest.mark.parametrize("engine", ["eager", "xla"])

WEIGHT = 0.9  # of the higher mode, at 4; the other is at -4


def two_modes():
    modes = dist.MixtureSameFamily(
        dist.Categorical(torch.tensor([WEIGHT, 1 - WEIGHT])), dist.Normal(torch.tensor([4.0, -4.0]), 0.5)
    )
    virgil.sample("z", modes)


def drawn_point():
    loc = virgil.param("loc", lambda: 12 * torch.rand(()) - 6)
    virgil.sample("z", dist.Delta(loc))


LOWEST = -math.log(WEIGHT) + 0.5 * math.log(2 * math.pi) + math.log(0.5)  # -log p at the higher mode


@pytest.mark.long
@engines
@pytest.mark.parametrize(
    "guide", [lambda: drawn_point, lambda: AutoDelta(two_modes, init_loc_fn=init_to_uniform(radius=6.0))]
)
def test_the_best_mode_is_found_and_kept(engine, guide):
    virgil.set_rng_seed(1)
    svi = SVI(two_modes, guide(), virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    fit = svi.run(300, engine=engine, restarts=16)
    assert fit.engine == engine
    assert len(fit.restarts) == 16
    assert all(each.num_steps == 300 for each in fit.restarts)
    found = [next(iter(each.params.values())).item() for each in fit.restarts]
    assert {round(each) for each in found} == {4, -4}  # all in one mode: 2 / 2^16 = 3e-5
    assert fit.tail_loss()[0] == pytest.approx(LOWEST, abs=1e-3)
    assert fit.tail_loss()[0] == min(each.tail_loss()[0] for each in fit.restarts)
    assert svi.evaluate_loss() == pytest.approx(LOWEST, abs=1e-3)
    (name,) = fit.params
    assert virgil.get_param_store()[name].item() == fit.params[name].item()
    assert "best of 16 restarts" in fit.summary()


def test_the_first_restart_begins_at_the_present_values():
    virgil.param("loc", torch.tensor(-3.5))
    svi = SVI(two_modes, drawn_point, virgil.optim.SGD({"lr": 1e-3}), Trace_ELBO())
    first = svi.evaluate_loss()
    for engine in ("eager", "xla"):
        virgil.get_param_store()["loc"] = torch.tensor(-3.5)
        fit = svi.run(5, engine=engine, restarts=3)
        assert fit.restarts[0].losses[0].item() == pytest.approx(first, rel=1e-6)
        assert len({each.losses[0].item() for each in fit.restarts}) == 3


def decaying(state, inputs):
    value = state[0] - inputs[0] * state[0] ** 3
    return [value], value.sum(), torch.stack([value.norm()])


def test_states_run_together_as_they_do_alone():
    program = capture(decaying, [torch.ones(2)], [torch.tensor(0.1)])
    states = [[torch.tensor([1.0, -2.0])], [torch.tensor([0.5, 3.0])], [torch.tensor([0.1, 0.2])]]
    together = XlaRestarts(program)
    together.load(states, [True] * 3)
    inputs = Inputs({0: torch.tensor(0.1)}, {})
    courses = together.advance(inputs, 0, 0, 20, summed=1)
    for state, course, after in zip(states, courses, together.states(), strict=True):
        alone = XlaRunner(program)
        alone.load(state)
        expected = alone.advance(inputs, 0, 0, 20, summed=1)
        torch.testing.assert_close(course.losses, expected.losses)
        torch.testing.assert_close(course.norms, expected.norms)
        torch.testing.assert_close(course.sums[0], expected.sums[0])
        torch.testing.assert_close(after[0], alone.state()[0])


def test_one_that_is_not_finite_stays_before_that_step_and_the_others_go_on():
    program = capture(decaying, [torch.ones(2)], [torch.tensor(0.1)])
    together = XlaRestarts(program)
    together.load([[torch.tensor([1e6, 1.0])], [torch.tensor([0.5, 3.0])], [torch.ones(2)]], [True, True, False])
    courses = together.advance(Inputs({0: torch.tensor(0.1)}, {}), 0, 0, 20)
    assert [each.is_finite for each in courses] == [False, True, False]
    assert [len(each.losses) for each in courses[1:]] == [20, 0]
    assert not courses[0].losses[-1].isfinite()
    assert courses[0].losses[:-1].isfinite().all()
    assert all(each[0].isfinite().all() for each in together.states())
    assert together.states()[2][0].tolist() == [1.0, 1.0]


def climbing():
    """Beyond 5 its density is infinite, which only a start above 0 climbs to."""
    z = virgil.sample("z", dist.Normal(0.0, 100.0))
    virgil.factor("climb", torch.where(z < 5, torch.relu(z), torch.inf))


@engines
def test_a_restart_that_fails_is_reported_and_not_kept(engine):
    virgil.param("loc", torch.tensor(-3.0))
    virgil.set_rng_seed(0)
    svi = SVI(climbing, drawn_point, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    fit = svi.run(200, engine=engine, restarts=8)
    failures = [each.failure for each in fit.restarts]
    assert failures[0] is None
    assert 0 < sum(each is not None for each in failures) < 8
    assert fit.failure is None
    assert fit.params["loc"] < 0
    assert "failed" in fit.summary()


@engines
def test_when_all_fail_it_is_an_error(engine):
    virgil.param("loc", torch.tensor(3.0))
    svi = SVI(
        climbing,
        lambda: virgil.sample("z", dist.Delta(virgil.param("loc", lambda: 3 + torch.rand(())))),
        virgil.optim.SGD({"lr": 0.1}),
        Trace_ELBO(),
    )
    with pytest.raises(NonFiniteError):
        svi.run(200, engine=engine, restarts=3)


@pytest.mark.long
@engines
def test_networks_begin_anew_and_the_best_comes_back_with_its_buffers(engine):
    program = Amortised(rows=20, batch=6)
    svi = amortised(program)
    fit = svi.run(epochs=4, data=program.loader(), engine=engine, restarts=3)
    assert [each.num_steps for each in fit.restarts] == [16] * 3
    assert len({each.losses[0].item() for each in fit.restarts}) == 3
    assert program.encoder[1].num_batches_tracked == 16
    for name, value in fit.params.items():
        assert torch.equal(virgil.get_param_store()[name], value)


@engines
def test_every_restart_may_be_averaged(engine):
    fit = conjugate_by_guide().run(60, DATA, engine=engine, restarts=3, average=20)
    assert [each.averaged for each in fit.restarts] == [20] * 3


def conjugate_by_guide():
    def model(data):
        mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
        with virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(mu, 1.0), obs=data)

    return SVI(model, AutoNormal(model, init_loc_fn=init_to_sample), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())


def test_a_schedule_runs_once_for_all():
    for engine in ("eager", "xla"):
        virgil.clear_param_store()
        optim = virgil.optim.ExponentialLR({"optimizer": torch.optim.SGD, "optim_args": {"lr": 1e-3}, "gamma": 0.9})
        svi = SVI(two_modes, drawn_point, optim, Trace_ELBO())
        svi.run(10, engine=engine, restarts=3)
        (group,) = optim.optimizer.torch_optimizer.param_groups
        assert group["lr"] == pytest.approx(1e-3 * 0.9**10)


def test_a_guide_that_begins_anew_is_like_a_new_one():
    guide = AutoNormal(two_modes, init_loc_fn=init_to_sample)
    guide()
    leaves, before = dict(guide.named_parameters()), guide.state_dict()["locs.z"].clone()
    guide.reset_parameters()
    guide()
    assert all(each is leaves[name] for name, each in guide.named_parameters())
    assert guide.state_dict()["locs.z"] != before
    assert guide.scales.z.item() == pytest.approx(0.1)  # softplus of its inverse: some units of rounding, 6e-8 each


def test_equal_beginnings_are_named():
    with pytest.warns(UserWarning, match="same values"):
        conjugate().run(3, DATA, engine="eager", restarts=2)


WRONG = {"none": ({"restarts": 0}, "restarts=0"), "a file": ({"restarts": 2, "checkpoint": "unwritten"}, "checkpoint=")}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_to_ask_is_an_error(case):
    options, match = WRONG[case]
    with pytest.raises(ArgumentError, match=match):
        conjugate().run(3, DATA, **options)
