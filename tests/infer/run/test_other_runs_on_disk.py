"""A checkpoint of another run is refused and changes nothing; one that cannot be written is no loss of a fit."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.run.programs import DATA, conjugate
from tests.infer.run.test_checkpoint import Killed, fresh, killing, same
from virgil.distributions import constraints
from virgil.errors import ArgumentError, FileFormatError, FitWarning, ParamError
from virgil.infer import SVI, Trace_ELBO
from virgil.ops.random_state import get_rng_state
from virgil.params import replaced_file


def svi_of(variable="z", parameter="loc", size=(), constraint=constraints.real, optim=None, network=None, more=False):
    """A normal mean with a guide of one parameter; in the table below one thing differs."""

    def model():
        z = virgil.sample(variable, dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(1.0))
        if more:
            virgil.sample("y", dist.Normal(z, 1.0), obs=torch.tensor(1.0))

    def guide():
        loc = virgil.param(parameter, torch.full(size, 0.5), constraint=constraint).sum()
        if network is not None:
            virgil.module("network", network)
            loc = loc + network(torch.tensor([[1.0], [2.0]])).sum()
        virgil.sample(variable, dist.Normal(loc, 1.0))

    return SVI(model, guide, optim or virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())


def scheduled():
    options = {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.01}, "gamma": 0.9}
    return virgil.optim.LRScheduler(torch.optim.lr_scheduler.ExponentialLR, options)


OTHERS = {
    "another variable": ({"variable": "w"}, r"it has variable 'z', which this one has not; this one has variable 'w'"),
    "another parameter": ({"parameter": "other"}, r"it has parameter 'loc'.*this one has parameter 'other'"),
    "one more observation": ({"more": True}, r"another program: this one has variable 'y', which the file has not"),
    "another shape": ({"size": (2,)}, r"'loc'.*\(\).*\(2,\)|'loc'.*\(2,\).*\(\)"),
    "another constraint": ({"constraint": constraints.positive}, r"'loc'.*constraint"),
    "another optimiser": ({"optim": virgil.optim.SGD({"lr": 0.01})}, r"Adam, but this optimiser is SGD"),
    "a scheduler": ({"optim": scheduled()}, r"without a scheduler"),
    "a network": ({"network": torch.nn.BatchNorm1d(1)}, r"this one has parameter 'network"),
}


@pytest.mark.parametrize("engine", ["eager", "auto", "xla"])
@pytest.mark.parametrize(("options", "says"), OTHERS.values(), ids=OTHERS)
def test_the_run_of_another_program(options, says, engine, tmp_path):
    fresh()
    svi_of().run(3, engine="eager", checkpoint=tmp_path / "run", progress=False)
    fresh(seed=5)
    mine = virgil.param("mine", torch.tensor(7.0))
    svi = svi_of(**options)
    torch.rand(3)
    before, memory = get_rng_state(), svi.problem.optim.get_state()
    with pytest.raises(FileFormatError, match=says):
        svi.run(3, engine=engine, checkpoint=tmp_path / "run", progress=False)
    assert list(virgil.get_param_store()) == ["mine"]
    assert virgil.param("mine").item() == mine.item() == 7.0
    assert svi.problem.optim.get_state() == memory
    assert torch.equal(get_rng_state()["torch"], before["torch"])
    if options.get("network") is not None:
        assert torch.equal(options["network"].running_mean, torch.zeros(1))


def test_parameters_of_others_stay(tmp_path):
    fresh()
    whole = svi_of().run(6, engine="eager", checkpoint=tmp_path / "run", progress=False)
    fresh()
    virgil.param("mine", torch.tensor(7.0))
    again = svi_of().run(6, engine="eager", checkpoint=tmp_path / "run", progress=False)
    same(whole, again)
    assert virgil.param("mine").item() == 7.0


def test_a_structure_that_depends_on_chance_and_data_goes_on(tmp_path):
    """The file has what its programs stated on the last batch and the numbers drawn then."""

    def model(data):
        virgil.sample("z", dist.Normal(0.0, 1.0))
        for number in range(len(data)):
            virgil.sample(f"x{number}", dist.Normal(0.0, 1.0), obs=data[number])
        if torch.rand(()) < 0.5:
            virgil.factor("now and then", torch.tensor(0.0))

    def guide(data):
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(1.0)), 1.0))

    def run(**options):
        svi = SVI(model, guide, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
        data = [DATA[: 1 + number % 4] for number in range(9)]
        return svi.run(epochs=2, data=data, engine="eager", checkpoint=tmp_path / "run", every=0.0, **options)

    for at in (3, 5, 8, 11):
        fresh()
        with pytest.raises(Killed):
            run(callback=killing(at))
    assert run().num_steps == 18


def test_an_engine_asked_for_by_name_takes_the_steps_and_says_so(tmp_path):
    fresh()
    conjugate().run(3, DATA, engine="eager", checkpoint=tmp_path / "run", progress=False)
    fresh()
    with pytest.warns(FitWarning, match=r"was on eager. It goes on on xla, which was asked for"):
        fit = conjugate().run(6, DATA, engine="xla", checkpoint=tmp_path / "run", progress=False)
    assert (fit.engine, fit.num_steps) == ("xla", 6)
    fit = conjugate().run(9, DATA, checkpoint=tmp_path / "run", progress=False)
    assert (fit.engine, fit.engine_reason, fit.num_steps) == ("xla", "the run on disk was on it", 9)
    with pytest.warns(FitWarning, match="was on xla. It goes on on eager"):
        fit = conjugate().run(12, DATA, engine="eager", checkpoint=tmp_path / "run", progress=False)
    assert (fit.engine, fit.num_steps) == ("eager", 12)


def test_a_file_with_more_steps_than_were_asked_for(tmp_path):
    fresh()
    conjugate().run(50, DATA, engine="eager", checkpoint=tmp_path / "run", progress=False)
    fresh()
    with pytest.raises(ArgumentError, match=r"holds 50 steps, and was asked for 20\. Ask for 50 or more"):
        conjugate().run(20, DATA, engine="eager", checkpoint=tmp_path / "run", progress=False)
    assert not list(virgil.get_param_store())


def test_data_with_fewer_batches_than_were_taken(tmp_path):
    fresh()
    with pytest.raises(Killed):
        conjugate().run(epochs=2, data=[DATA] * 5, engine="eager", checkpoint=tmp_path / "run", every=0.0,
                        callback=killing(5))  # fmt: skip
    with pytest.raises(FileFormatError, match="goes on after batch 4 of an epoch, but data has 3"):
        conjugate().run(epochs=9, data=[DATA] * 3, engine="eager", checkpoint=tmp_path / "run")


# -- writing ---------------------------------------------------------------------------------------------------------


def counted(steps):
    def callback(step, loss):
        steps.append(step)

    return callback


@pytest.mark.parametrize("name", ["no/such/folder/run", "", "."])
def test_a_file_that_cannot_be_written_is_refused_before_the_first_step(name, tmp_path):
    steps = []
    with pytest.raises(ArgumentError, match=r"checkpoint=.*which cannot be written"):
        conjugate().run(5, DATA, checkpoint=tmp_path / name, callback=counted(steps))
    assert steps == []
    assert not list(tmp_path.iterdir())


def test_a_constraint_without_a_written_form_is_refused_before_the_first_step(tmp_path):
    class Above(constraints.Constraint):
        def check(self, value):
            return value > 0

    torch.distributions.transform_to.register(Above)(lambda _: torch.distributions.transform_to(constraints.positive))
    steps = []
    with pytest.raises(ParamError, match=r"'loc' has the constraint .*Above"):
        svi_of(constraint=Above()).run(5, checkpoint=tmp_path / "run", callback=counted(steps))
    assert steps == []


def test_a_full_disk_is_a_warning(tmp_path, monkeypatch):
    fresh()
    expected = conjugate().run(8, DATA, engine="eager", progress=False)
    file = tmp_path / "run"

    def fsync(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def callback(step, loss):
        if step == 4:
            monkeypatch.setattr(replaced_file.os, "fsync", fsync)

    fresh()
    with pytest.warns(FitWarning, match=r"not written to .*run' after step 4: .*No space left"):
        fit = conjugate().run(8, DATA, engine="eager", progress=False, checkpoint=file, every=0.0, callback=callback)
    same(expected, fit)
    monkeypatch.undo()
    assert [each.name for each in tmp_path.iterdir()] == ["run"]
    fresh()
    same(expected, conjugate().run(8, DATA, engine="eager", progress=False, checkpoint=file))  # on from step 3


def test_files_of_killed_writers_are_removed_and_those_of_others_stay(tmp_path):
    program = (
        "import os, signal, sys, torch, virgil\n"
        "from virgil.params import replaced_file\n"
        "replaced_file.os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "virgil.ParamStore().save(sys.argv[1])\n"
    )
    file = tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", program, str(file)], env=environment, check=False)
    assert killed.returncode == -9
    (left,) = tmp_path.iterdir()
    at_work = tmp_path / left.name.replace(f".{left.name.split('.')[3]}.", f".{os.getpid()}.")
    at_work.write_bytes(b"another thread's")
    (tmp_path / f".other{left.name.removeprefix('.run')}").write_bytes(b"another file's")
    virgil.ParamStore().save(file)
    assert {each.name for each in tmp_path.iterdir()} == {
        "run", at_work.name, f".other{left.name.removeprefix('.run')}",
    }  # fmt: skip
