"""Callbacks cost a look at the programs each: "auto" takes them into account, and gives up where they change all."""

import pytest
import torch

import virgil
from tests.infer.step.cases import Replayed
from tests.infer.step.changeable import descent, observing, point
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.run import choose, patience
from virgil.infer.step import compiled


@pytest.fixture(autouse=True)
def compiling_pays_for_a_hundred_steps(monkeypatch):
    monkeypatch.setattr(compiled, "compiled", lambda engine, *step: Replayed(*step))
    for room in (choose, patience):
        monkeypatch.setattr(room, "pays", lambda engine, steps, operators, elements: steps >= 100)


def svi_of(held):
    model = observing(lambda: held["value"], None).model
    return SVI(model, point, descent(), Trace_ELBO(), params=virgil.ParamStore())


EVERY = [(100, None, "xla"), (99, None, "eager"), (120, 24, "xla"), (120, 20, "eager"), (10_000, 4, "eager"),
         (10_000, 1, "eager"), (10_000, 5, "xla")]  # fmt: skip


@pytest.mark.parametrize(("steps", "every", "engine"), EVERY)
def test_the_choice(steps, every, engine):
    svi = svi_of({"value": 1.0})
    svi.run(1, progress=False)
    choice = choose.choose(svi.session, "auto", steps, every)
    assert choice.name == engine
    if engine == "eager":
        assert ("callbacks" in choice.reason) == (steps >= 100)


def run(engine, changes, steps=600, every=30):
    held = {"value": 1.0}
    svi = svi_of(held)

    def callback(done, loss):
        held["value"] = changes(done)

    fit = svi.run(steps, engine=engine, progress=False, callback=callback, callback_every=every)
    return fit, svi.session.compiled("xla").captures


def test_a_program_that_each_callback_changes_is_stepped_eagerly_before_long():
    fit, captures = run("auto", lambda done: 1.0 + done / 600)
    assert captures == 4
    assert fit.engine == "eager"
    assert fit.engine_reason == "what the programs read changes too often to repay compiling"
    expected, _ = run("eager", lambda done: 1.0 + done / 600)
    torch.testing.assert_close(fit.losses, expected.losses, rtol=1e-4, atol=1e-4)


def test_one_that_changes_now_and_then_is_not():
    fit, captures = run("auto", lambda done: 1.0 + done // 150)
    assert (fit.engine, captures) == ("xla", 4)


def test_nor_is_one_that_goes_to_and_fro():
    fit, captures = run("auto", lambda done: 1.0 + done // 30 % 2)
    assert (fit.engine, captures) == ("xla", 2)


def test_who_asks_for_an_engine_gets_it():
    fit, captures = run("xla", lambda done: 1.0 + done / 600)
    assert (fit.engine, captures) == ("xla", 20)


def test_a_run_that_was_killed_gives_up_where_it_would_have(tmp_path, monkeypatch):
    """Captures that a new process makes again do not count, those that callbacks make do."""
    held = {"value": 1.0}
    captured = []  # the number that was read then

    def compiled_then(engine, *step):
        captured.append(held["value"])
        return Replayed(*step)

    monkeypatch.setattr(compiled, "compiled", compiled_then)

    def taken(name, until=None):
        def callback(done, loss):
            if done == until:
                raise KeyError(done)
            held["value"] = float(done)

        options = {"callback": callback, "callback_every": 30, "checkpoint": tmp_path / name, "every": 0.0}
        return svi_of(held).run(600, progress=False, **options)

    assert taken("whole").engine == "eager"
    assert captured == [1.0, 30.0, 60.0, 90.0]
    captured.clear()
    held["value"] = 1.0
    for until in (60, 90):
        with pytest.raises(KeyError):
            taken("run", until)
    assert taken("run").engine == "eager"
    assert captured == [1.0, 30.0, 30.0, 60.0, 60.0, 90.0]
