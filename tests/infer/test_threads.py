"""Programs in eight threads at once, which take turns at every statement that asks for it.

Each job gives in a thread what it gives alone, on random numbers of its own; and nothing that holds for the process is
other than before.
"""

import random
import threading
import warnings
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_modules
from torch.testing import assert_close

import virgil
import virgil.distributions as dist
from virgil import poutine, settings
from virgil.errors import NonFiniteError
from virgil.infer import SVI, JitTrace_ELBO, Predictive, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoNormal
from virgil.params import ParamStore

pytestmark = pytest.mark.long


PATIENCE = 500  # seconds, after which a thread that never has its turn is an error


class Turns:
    """Lets one of several threads run at a time, and another one, chosen by a seed, whenever that one hands over."""

    def __init__(self, count, seed):
        self._changed = threading.Condition()
        self._random = random.Random(seed)
        self._waiting = count  # threads that are still to come
        self._present = []
        self._holder = None

    def join(self, number):
        with self._changed:
            self._present.append(number)
            self._waiting -= 1
            if not self._waiting:
                self._next()
            self._wait(number)

    def hand_over(self, number):
        with self._changed:
            self._next()
            self._wait(number)

    def leave(self, number):
        with self._changed:
            self._present.remove(number)
            self._next()

    def _next(self):
        self._holder = self._random.choice(sorted(self._present)) if self._present else None
        self._changed.notify_all()

    def _wait(self, number):
        assert self._changed.wait_for(lambda: self._holder == number, PATIENCE)


class Here(threading.local):
    """What the running thread takes part in."""

    turns = number = None
    may_compile = False


here = Here()


def meet():
    """Let another thread go on. Programs and callbacks call it."""
    assert here.may_compile or not torch.compiler.is_compiling()
    if here.turns is not None:
        here.turns.hand_over(here.number)
    assert here.may_compile or not torch.compiler.is_compiling()


def model(data):
    loc = virgil.sample("loc", dist.Normal(0.0, 1.0))
    meet()
    scale = virgil.sample("scale", dist.HalfNormal(1.0))
    with virgil.plate("data", len(data), subsample_size=3) as rows:
        meet()
        virgil.sample("x", dist.Normal(loc, scale), obs=data[rows])


DATA = torch.linspace(-1.0, 2.0, 8)


def fit(objective, engine, optim=None):
    svi = SVI(model, AutoNormal(model), optim or virgil.optim.Adam({"lr": 0.05}), objective)
    return svi.run(8, DATA, engine=engine, progress=False, callback=lambda step, loss: meet()).losses


def eager():
    return fit(Trace_ELBO(), "eager")


@contextmanager
def compiling():
    here.may_compile = True
    try:
        yield
    finally:
        here.may_compile = False


def on_inductor():
    """The mini-batches and the guide's noise are drawn before a step, the gamma variables inside."""

    def late(data):
        virgil.sample("rate", dist.Gamma(2.0, 1.0))
        model(data)

    svi = SVI(late, late_guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    with compiling():
        return svi.run(8, DATA, engine="inductor", progress=False).losses


def late_guide(data):
    virgil.sample("loc", dist.Normal(virgil.param("loc_at", torch.tensor(0.1)), 1.0))
    virgil.sample("scale", dist.LogNormal(virgil.param("scale_at", torch.tensor(0.1)), 1.0))
    virgil.sample("rate", dist.Gamma(virgil.param("shape", torch.tensor(2.0), dist.constraints.positive), 1.0))


def before_steps_on_inductor():
    with compiling():
        return fit(Trace_ELBO(), "inductor")


def on_xla():
    optim = virgil.optim.ExponentialLR({"optimizer": torch.optim.AdamW, "optim_args": {"lr": 0.1}, "gamma": 0.9})
    with compiling():
        return fit(Trace_ELBO(), "xla", optim)


def step_by_step():
    svi = SVI(model, AutoNormal(model), virgil.optim.ClippedAdam({"lr": 0.05}), JitTrace_ELBO())
    with compiling():
        return torch.tensor([svi.step(DATA) for _ in range(6)])


def chain_on_xla():
    """Summed out as a product of matrices, whose numbers have another form in compiled code."""

    @config_enumerate
    def hidden(data):
        moves = virgil.param("moves", torch.tensor([[0.8, 0.2], [0.3, 0.7]]), constraint=dist.constraints.simplex)
        locs = virgil.param("locs", torch.tensor([-1.0, 1.0]))
        meet()
        state = 0
        for step in virgil.vectorized_markov("time", len(data), dim=-1):
            state = virgil.sample(f"z_{step}", dist.Categorical(moves[state]))
            virgil.sample(f"x_{step}", dist.Normal(locs[state], 1.0), obs=data[step])

    svi = SVI(hidden, lambda data: None, virgil.optim.Adam({"lr": 0.05}), TraceEnum_ELBO())
    with compiling():
        return svi.run(6, DATA, engine="xla", progress=False).losses


def network():
    """Batch normalisation and dropout: buffers that change, noise that no site states."""
    net = nn.Sequential(nn.Linear(1, 3), nn.BatchNorm1d(3), nn.Dropout(0.3), nn.Linear(3, 1))

    def regression(x):
        virgil.module("net", net)
        meet()
        with virgil.plate("rows", len(x)):
            virgil.sample("y", dist.Normal(net(x[:, None])[:, 0], 1.0), obs=x**2)

    svi = SVI(regression, lambda x: None, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    losses = svi.run(6, DATA, engine="eager", progress=False).losses
    return torch.cat([losses, net[1].running_mean, net[1].running_var, net[1].num_batches_tracked[None]])


def predictions():
    assert not virgil.explain(model, AutoNormal(model), DATA).problems
    draws = Predictive(model, num_samples=5)(DATA)
    return torch.cat([draws[name].reshape(-1) for name in ("loc", "scale", "x")])


def a_loss_that_is_not_finite():
    """It is explained by a second run on the same noise; the explanation's seed is the job's result."""

    def broken(data):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        meet()
        virgil.sample("x", dist.Normal((z - z).sqrt() + z, 1.0), obs=data[0])

    svi = SVI(broken, AutoNormal(broken), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    with pytest.raises(NonFiniteError, match="that of Sqrt, at\n  File .*, in broken") as caught:
        svi.step(DATA)
    assert "site 'x'" in str(caught.value)
    return torch.rand(3)


def looks():
    """Nothing that other threads do is seen: checks are on, warnings are shown, torch's switches are as ever."""
    for _ in range(30):
        meet()
        assert settings.get("validate")
        with pytest.raises(ValueError, match="scale"):
            dist.Normal(0.0, -1.0)
        with pytest.raises(ValueError, match="concentration"):
            torch.distributions.Beta(-1.0, 1.0)
        with pytest.raises(UserWarning, match="Detected call of `lr_scheduler.step"):
            warnings.warn("Detected call of `lr_scheduler.step()`", UserWarning, stacklevel=1)
        assert not torch.is_anomaly_enabled()
        assert not torch.compiler.is_compiling()
        assert torch.backends.mkldnn.enabled
        assert torch.backends.cuda.flash_sdp_enabled()
    return torch.rand(3)


JOBS = [eager, on_xla, looks, network, chain_on_xla, step_by_step, predictions, a_loss_that_is_not_finite]
ON_INDUCTOR = [on_inductor, before_steps_on_inductor, on_inductor, eager]


def alone(job, number):
    """A job on random numbers and parameters of its own."""
    with ParamStore(), poutine.seed(rng_seed=number):
        return job()


def state_of_the_process():
    return (
        settings.get(),
        list(warnings.filters),
        torch.compiler.is_compiling,
        torch.compiler.is_compiling.__code__,
        dict(torch_modules._global_forward_pre_hooks),
        torch.is_anomaly_enabled(),
        torch.backends.mkldnn.enabled,
        torch.backends.cuda.flash_sdp_enabled(),
        torch.get_rng_state().tolist(),
        list(virgil.get_param_store()),
    )


def in_threads(jobs, turns=None):
    results, errors = {}, []

    def work(number):
        if turns is not None:
            here.turns, here.number = turns, number
            turns.join(number)
        try:
            results[number] = alone(jobs[number], number)
        except BaseException as error:
            errors.append((jobs[number].__name__, error))
        finally:
            if turns is not None:
                turns.leave(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(jobs))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not errors
    return results


def assert_as_alone(jobs, seeds):
    """All at once, and in turns as some seeds order them."""
    expected = [alone(job, number) for number, job in enumerate(jobs)]
    before = state_of_the_process()
    for turns in (None, *(Turns(len(jobs), seed) for seed in seeds)):
        results = in_threads(jobs, turns)
        for number, job in enumerate(jobs):
            assert_close(results[number], expected[number], msg=lambda text, job=job: f"{job.__name__}: {text}")
        assert state_of_the_process() == before


def test_jobs_in_threads_are_those_alone():
    assert_as_alone(JOBS, (0, 1))


@pytest.mark.every_engine
def test_jobs_on_inductor():
    assert_as_alone(ON_INDUCTOR, (0,))
