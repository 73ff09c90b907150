"""Runs: mini-batches, callbacks, rules that end them, and what is wrong to ask."""

import math
import os
import signal

import pytest
import torch

import virgil
from tests.infer.run.programs import DATA, Amortised, amortised, conjugate
from virgil.errors import ArgumentError, CaptureError, NonFiniteError
from virgil.infer import Plateau, TimeLimit

# the exact posterior of the mean: precision 1/9 + 10, so sd 0.3145; its mean is the sum of the data over that precision
MEAN, SD = DATA.sum().item() / (10 + 1 / 9), (10 + 1 / 9) ** -0.5


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_both_engines_reach_the_posterior(engine):
    """At the last rate, 0.0009, the error is 0.012 of a deviation (see `tests/graphs/test_posteriors.py`), not 0.1."""
    optim = virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.998})
    fit = conjugate(optim, particles=100).run(2000, DATA, engine=engine)
    assert fit.engine == engine
    assert fit.params["loc"].item() == pytest.approx(MEAN, abs=0.1 * SD)
    assert fit.params["scale"].item() == pytest.approx(SD, rel=0.1)


@pytest.mark.parametrize("engine", ["eager", pytest.param("xla", marks=pytest.mark.long)])
def test_epochs_go_through_every_batch_the_last_smaller_one_too(engine):
    program = Amortised(rows=20, batch=6)
    fit = amortised(program).run(epochs=3, data=program.loader(), engine=engine)
    assert fit.num_steps == 12  # 6, 6, 6 and 2 rows an epoch
    assert torch.isfinite(fit.losses).all()
    assert program.encoder[1].num_batches_tracked == 12
    assert all(len(norms) == 12 for norms in fit.gradient_norms.values())


def test_batches_may_be_dicts_tuples_or_tensors():
    for batch in ({"data": DATA}, (DATA,), [DATA], DATA):
        virgil.clear_param_store()
        assert conjugate().run(epochs=2, data=[batch, batch]).num_steps == 4


def test_data_without_epochs_is_an_argument_of_the_model():
    assert conjugate().run(3, data=DATA).num_steps == 3


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_callback_sees_every_so_many_steps_and_the_parameters_of_then(engine):
    seen = []
    svi = conjugate()
    fit = svi.run(
        20, DATA, engine=engine, callback=lambda step, loss: seen.append((step, loss, virgil.param("loc").item())),
        callback_every=5,
    )  # fmt: skip
    assert [step for step, _, _ in seen] == [5, 10, 15, 20]
    assert [loss for _, loss, _ in seen] == pytest.approx(fit.losses[4::5].tolist())
    assert len({loc for _, _, loc in seen}) == 4
    assert seen[-1][2] == fit.params["loc"].item()


def test_a_plateau_ends_a_run_when_the_loss_no_longer_falls():
    virgil.set_rng_seed(0)
    fit = conjugate().run(20_000, DATA, engine="eager", stop=Plateau(window=200))
    assert 400 <= fit.num_steps < 20_000
    assert fit.num_steps % 200 == 0
    before, last = fit.losses[-400:].double().chunk(2)
    error = math.sqrt((before.var() + last.var()) / 200)
    assert before.mean() - last.mean() <= error
    assert "200 steps" in fit.stopped


def test_a_time_limit_ends_a_run():
    fit = conjugate().run(10**9, DATA, engine="eager", stop=TimeLimit(0.2))
    assert fit.num_steps < 10**9
    assert "0.2 seconds" in fit.stopped


@pytest.mark.long
@pytest.mark.parametrize("engine", ["xla", "inductor"])
def test_ctrl_c_ends_a_compiled_run(engine):
    svi = conjugate()

    def press(step, loss):
        if step == 30:
            os.kill(os.getpid(), signal.SIGINT)

    fit = svi.run(10**9, DATA, engine=engine, callback=press, callback_every=10)
    assert fit.interrupted
    assert fit.num_steps == 30


def test_auto_says_what_it_chose_and_why():
    assert conjugate().run(3, DATA).engine_reason == "the run is too short to repay compiling"
    virgil.clear_param_store()
    fit = conjugate().run(10_000, DATA)
    assert (fit.engine, fit.engine_reason) == ("xla", "JAX is installed")


def test_auto_falls_back_with_a_warning_that_says_why():
    def model(data):
        mu = virgil.sample("mu", virgil.distributions.Normal(0.0, 1.0))
        scale = 1.0 if mu > 0 else 2.0
        with virgil.plate("data", len(data)):
            virgil.sample("x", virgil.distributions.Normal(mu, scale), obs=data)

    def svi():
        virgil.clear_param_store()
        guide = virgil.infer.autoguide.AutoNormal(model)
        return virgil.infer.SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), virgil.infer.Trace_ELBO())

    with pytest.warns(UserWarning, match="taken eagerly.*Python value"):
        fit = svi().run(5_000, DATA, stop=TimeLimit(0.5))
    assert fit.engine == "eager"
    assert "if mu > 0" in fit.engine_reason
    with pytest.raises(CaptureError, match="if mu > 0"):
        svi().run(10, DATA, engine="xla")


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_step_that_is_not_finite_ends_the_run_with_the_parameters_before_it(engine):
    def model(data):
        mu = virgil.sample("mu", virgil.distributions.Normal(0.0, 3.0))
        virgil.factor("bad", torch.log(2.0 - mu.detach().abs()) * 0.0)  # NaN once mu is beyond 2

    def guide(data):
        virgil.sample("mu", virgil.distributions.Normal(virgil.param("loc", torch.tensor(0.0)), 0.01))
        virgil.factor("pull", -100.0 * virgil.param("loc"), has_rsample=True)

    svi = virgil.infer.SVI(model, guide, virgil.optim.SGD({"lr": 0.001}), virgil.infer.Trace_ELBO())
    with pytest.raises(NonFiniteError, match="bad"):
        svi.run(200, DATA, engine=engine)
    assert 1.5 < virgil.param("loc").abs().item() < 2.1


def test_schedules_advance_alike_on_both_engines():
    rates = []
    for engine in ("eager", "xla"):
        virgil.clear_param_store()
        optim = virgil.optim.ExponentialLR({"optimizer": torch.optim.SGD, "optim_args": {"lr": 0.01}, "gamma": 0.9})
        conjugate(optim).run(10, DATA, engine=engine)
        rates.append(optim.optimizer.torch_optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.01 * 0.9**10] * 2)


WRONG = {
    "no steps": ({}, "num_steps=None"),
    "steps and epochs": ({"num_steps": 3, "epochs": 2, "data": [DATA]}, "one of them"),
    "epochs without data": ({"epochs": 2}, "without data="),
    "data that cannot be iterated": ({"epochs": 2, "data": 3}, "cannot be iterated"),
    "epochs below 0": ({"epochs": -1, "data": [DATA]}, "epochs=-1"),
    "an iterator for two epochs": ({"epochs": 2, "data": iter([DATA])}, "no batches in epoch 2"),
    "an unknown engine": ({"num_steps": 3, "data": DATA, "engine": "xal"}, "Did you mean 'xla'"),
    "an average of more steps than there are": ({"num_steps": 3, "data": DATA, "average": 4}, "average=4 for 3 steps"),
    "an average below 0": ({"num_steps": 3, "data": DATA, "average": -1}, "average=-1"),
    "an average and a checkpoint": (
        {"num_steps": 3, "data": DATA, "average": 2, "checkpoint": "unwritten"},
        "average= and checkpoint=",
    ),
    "callbacks every 0 steps": ({"num_steps": 3, "data": DATA, "callback_every": 0}, "callback_every=0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_to_ask_is_an_error(case):
    options, match = WRONG[case]
    with pytest.raises(ArgumentError, match=match):
        conjugate().run(**options)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Plateau(window=1), "window=1"),
        (lambda: Plateau(tolerance=-1.0), "tolerance"),
        (lambda: TimeLimit(0.0), "seconds=0.0"),
        (lambda: TimeLimit(1.0, every=0), "every=0"),
    ],
)
def test_rules_check_their_arguments(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()


@pytest.mark.parametrize("engine", ["eager", "xla", pytest.param("inductor", marks=pytest.mark.long)])
def test_the_parameters_may_be_averaged_over_the_last_steps(engine):
    seen = []

    def see(step, loss):
        store = virgil.get_param_store()
        seen.append([store.unconstrained(name).item() for name in ("loc", "scale")])

    svi = conjugate(virgil.optim.SGD({"lr": 0.01}))
    fit = svi.run(40, DATA, engine=engine, average=12, callback=see)
    assert (fit.num_steps, fit.averaged) == (40, 12)
    means = torch.tensor(seen[-12:], dtype=torch.float64).mean(0).tolist()
    found = [virgil.get_param_store().unconstrained(name).item() for name in ("loc", "scale")]
    assert found == pytest.approx(means, rel=1e-5)
    assert fit.params["loc"].item() == found[0]


def test_a_rule_that_ends_a_run_is_followed_by_the_steps_to_average():
    fit = conjugate().run(100_000, DATA, engine="eager", stop=Plateau(window=50), average=30)
    assert fit.stopped is not None
    assert fit.averaged == 30
    assert fit.num_steps % 50 == 30
