"""An SVI serves one thread at a time."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ThreadError
from virgil.infer import SVI, Trace_ELBO


def model():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(1.0))


def guide():
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


def elsewhere(use):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(use).result()


def test_a_second_thread_is_refused_and_changes_nothing():
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    fit = svi.run(3, progress=False)
    uses = [svi.step, lambda: svi.run(2, progress=False), fit.check, lambda: fit.to_arviz(num=10)]
    refused = []

    def callback(step, loss):
        before = virgil.param("loc").item()
        for use in uses:
            with pytest.raises(ThreadError, match=r"uses an SVI.*while thread 'MainThread' takes its steps"):
                elsewhere(use)
            refused.append(use)
        svi.evaluate_loss()  # this thread may
        assert virgil.param("loc").item() == before

    svi.run(2, progress=False, callback=callback)
    assert refused == uses * 2
    assert isinstance(elsewhere(svi.step), float)  # when nobody else uses it


def test_two_threads_may_take_turns():
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    barrier, errors = threading.Barrier(2), []

    def work(number):
        for turn in range(10):
            if turn % 2 == number:
                try:
                    svi.step()
                except ThreadError as error:
                    errors.append(error)
            barrier.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert not errors


def test_a_copy_of_an_svi_is_used_by_nobody():
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    with svi.session.alone:
        alone = copy.deepcopy(svi.session.alone)
        with pytest.raises(ThreadError):
            elsewhere(svi.session.alone.__enter__)
        elsewhere(alone.__enter__)
