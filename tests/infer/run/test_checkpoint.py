"""A run that was killed and begun again ends as the same run uninterrupted, bit for bit."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

import virgil
import virgil.distributions as dist
from tests.infer.run.programs import DATA, Amortised, amortised, conjugate
from virgil.errors import ArgumentError, FileFormatError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal


class Killed(Exception):
    """Stands for the end of a process."""


def killing(at):
    def callback(step, loss):
        if step == at:
            raise Killed

    return callback


def fresh(seed=3):
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)


def same(fit, other):
    assert torch.equal(fit.losses, other.losses)
    for name, value in fit.params.items():
        assert torch.equal(value, other.params[name]), name
    for name, norms in fit.gradient_norms.items():
        assert torch.equal(norms, other.gradient_norms[name]), name


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_killed_run_on_the_same_arguments(engine, tmp_path):
    fresh()
    whole = conjugate().run(60, DATA, engine=engine, checkpoint=tmp_path / "whole", every=0.0)
    fresh()
    with pytest.raises(Killed):
        conjugate().run(
            60, DATA, engine=engine, checkpoint=tmp_path / "run", every=0.0, callback=killing(37), callback_every=37
        )
    fresh(seed=99)  # what the new process has drawn before does not matter
    resumed = conjugate().run(60, DATA, engine=engine, checkpoint=tmp_path / "run", every=0.0)
    assert resumed.num_steps == 60
    same(whole, resumed)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_killed_run_on_shuffled_mini_batches_with_buffers_and_dropout(engine, tmp_path):
    def run(name, **options):
        program = Amortised(rows=24)
        fit = amortised(program).run(
            epochs=4, data=program.loader(), engine=engine, checkpoint=tmp_path / name, every=0.0, **options
        )
        return fit, program.encoder.state_dict()

    fresh()
    whole, buffers = run("whole")
    fresh()
    with pytest.raises(Killed):
        run("run", callback=killing(10), callback_every=5)
    fresh(seed=99)
    resumed, resumed_buffers = run("run")
    same(whole, resumed)
    assert all(torch.equal(each, resumed_buffers[name]) for name, each in buffers.items())


def batched(rows):
    mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
    with virgil.plate("rows", len(DATA), subsample_size=len(rows)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=rows)


@pytest.mark.parametrize("of", ["the loader", "a sampler"])
def test_a_killed_run_on_data_with_a_generator_of_their_own(of, tmp_path):
    def svi():
        return SVI(batched, AutoNormal(batched), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())

    def run(name, seed, **options):
        own = torch.Generator().manual_seed(seed)
        rows = TensorDataset(DATA)
        order = (
            {"generator": own, "shuffle": True}
            if of == "the loader"
            else {"sampler": RandomSampler(rows, True, 10, own)}
        )
        loader = DataLoader(rows, batch_size=4, **order)
        return svi().run(epochs=4, data=loader, engine="eager", checkpoint=tmp_path / name, every=0.0, **options)

    fresh()
    whole = run("whole", 5)
    fresh()
    with pytest.raises(Killed):
        run("run", 5, callback=killing(8), callback_every=1)
    fresh(seed=99)
    same(whole, run("run", 77))
    with pytest.raises(FileFormatError, match="had 1 random generators of their own, and got data with 0"):
        svi().run(epochs=5, data=[DATA] * 3, engine="eager", checkpoint=tmp_path / "run", every=0.0)


def test_a_run_that_is_complete_takes_no_more_steps(tmp_path):
    fresh()
    fit = conjugate().run(20, DATA, checkpoint=tmp_path / "run")
    again = conjugate().run(20, DATA, checkpoint=tmp_path / "run")
    assert again.num_steps == 20
    same(fit, again)


@pytest.mark.long
def test_a_process_killed_at_a_random_step(tmp_path):
    """The first process waits at step 2,500 for the end of its input, so that it never ends before it is killed."""
    program = textwrap.dedent(
        f"""
        import sys, torch, virgil
        from tests.infer.run.programs import DATA, conjugate
        virgil.set_rng_seed(5)
        file = {str(tmp_path / "run")!r}
        fit = conjugate().run(
            3000, DATA, engine="eager", checkpoint=file, every=0.0, progress=False,
            callback=lambda step, loss: sys.stdin.read(), callback_every=2500,
        )
        torch.save(fit.losses, {str(tmp_path / "losses.pt")!r})
        """
    )
    command, environment = [sys.executable, "-c", program], {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    while not (tmp_path / "run").exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(random.Random(0).uniform(0.05, 0.3))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "losses.pt").exists()
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)
    fresh(seed=5)
    whole = conjugate().run(3000, DATA, engine="eager", checkpoint=tmp_path / "other")
    assert torch.equal(torch.load(tmp_path / "losses.pt"), whole.losses)


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "run").write_bytes(b"nothing")
    with pytest.raises(FileFormatError, match="run"):
        conjugate().run(5, DATA, checkpoint=tmp_path / "run")


def test_an_optimiser_without_names_is_refused(tmp_path):
    leaf = virgil.param("loc", torch.tensor(0.0))
    with pytest.raises(ArgumentError, match="without names"):
        conjugate(torch.optim.SGD([leaf], lr=0.1)).run(5, DATA, checkpoint=tmp_path / "run")
