"""Ctrl-C ends a run after the step at hand; a second one ends it at once."""

import os
import signal
import threading
import time

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO


def guide():
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


def _interrupting(at, times=1):
    calls = []

    def model():
        calls.append(1)
        if len(calls) == at + 1:  # the first call is the dry run
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
        virgil.sample("z", dist.Normal(0.0, 1.0))

    return model


def _svi(model):
    return SVI(model, guide, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())


@pytest.mark.parametrize("at", [1, 4])
def test_the_step_at_hand_is_finished(at):
    before = signal.getsignal(signal.SIGINT)
    fit = _svi(_interrupting(at)).run(10)
    assert fit.interrupted
    assert fit.num_steps == at
    assert fit.gradient_norms["loc"].shape == (at,)
    assert torch.equal(fit.params["loc"], virgil.param("loc"))
    assert signal.getsignal(signal.SIGINT) is before


def test_at_the_last_step_all_are_done():
    fit = _svi(_interrupting(10)).run(10)
    assert fit.num_steps == 10


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_at_any_moment_from_a_thread(engine):
    is_running = threading.Event()

    def press():
        is_running.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    svi = _svi(lambda: virgil.sample("z", dist.Normal(0.0, 1.0)))
    # the callback says that the run has begun, however long the machine has taken to begin it
    fit = svi.run(10**9, engine=engine, callback=lambda step, loss: is_running.set(), callback_every=20)
    assert fit.interrupted
    assert 20 <= fit.num_steps < 10**9


def test_twice_is_at_once():
    before = signal.getsignal(signal.SIGINT)
    svi = _svi(_interrupting(3, times=2))
    with pytest.raises(KeyboardInterrupt):
        svi.run(10)
    assert signal.getsignal(signal.SIGINT) is before
    assert virgil.poutine.runtime.installed() == ()
    assert virgil.param("loc").grad is None
    assert svi.run(2).num_steps == 2


def test_a_run_in_another_thread_takes_no_signals():
    fits = []
    model = _interrupting(99)
    thread = threading.Thread(target=lambda: fits.append(_svi(model).run(5)))
    thread.start()
    thread.join()
    assert fits[0].num_steps == 5


def test_outside_a_run_ctrl_c_is_as_ever():
    _svi(_interrupting(99)).run(1)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1.0)


def test_where_ctrl_c_is_ignored_a_run_ignores_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        fit = _svi(_interrupting(3)).run(10)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not fit.interrupted
    assert fit.num_steps == 10
