"""A callback, a checkpoint and a resume change no bit of a fit, on any engine, whatever the size of the last batch."""

import functools

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import virgil
import virgil.distributions as dist
from tests.infer.run.test_checkpoint import Killed, fresh, killing, same
from virgil.infer import SVI, Plateau, Trace_ELBO
from virgil.infer.autoguide import AutoNormal

EPOCHS = 6


def problem(rows):
    """A regression on mini-batches of 8, and its data."""
    fresh()
    x, y = torch.randn(rows, 2), torch.randn(rows)

    def model(x, y):
        weights = virgil.sample("weights", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        with virgil.plate("data", rows, subsample_size=len(x)):
            virgil.sample("y", dist.Normal((x * weights).sum(-1), 1.0), obs=y)

    svi = SVI(model, AutoNormal(model), virgil.optim.Adam({"lr": 0.02}), Trace_ELBO())
    return svi, DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)


def run(engine, rows, **options):
    """A fit, and the random numbers that come after it."""
    svi, loader = problem(rows)
    fit = svi.run(epochs=EPOCHS, data=loader, engine=engine, progress=False, **options)
    return fit, torch.rand(3)


def with_callback(engine, rows, folder):
    return run(engine, rows, callback=lambda step, loss: None)


def with_rare_callback(engine, rows, folder):
    return run(engine, rows, callback=lambda step, loss: None, callback_every=5)


def with_callback_that_draws_apart(engine, rows, folder):
    return run(engine, rows, callback=lambda step, loss: torch.rand(2, generator=torch.Generator()), callback_every=3)


def with_stop(engine, rows, folder):
    return run(engine, rows, stop=Plateau(window=10**6))


def with_checkpoint(engine, rows, folder):
    return run(engine, rows, checkpoint=folder / "run", every=0.0)


def with_last_checkpoint(engine, rows, folder):
    return run(engine, rows, checkpoint=folder / "run")


def with_resume(engine, rows, folder):
    with pytest.raises(Killed):
        run(engine, rows, checkpoint=folder / "run", every=0.0, callback=killing(11), callback_every=11)
    return run(engine, rows, checkpoint=folder / "run", every=0.0)


def with_three_resumes(engine, rows, folder):
    for at in (1, 3, 6):
        with pytest.raises(Killed):
            run(engine, rows, checkpoint=folder / "run", every=0.0, callback=killing(at))
    return run(engine, rows, checkpoint=folder / "run")


WAYS = [
    with_callback,
    with_rare_callback,
    with_callback_that_draws_apart,
    with_stop,
    with_checkpoint,
    with_last_checkpoint,
    with_resume,
    with_three_resumes,
]
ROWS = {"even": 24, "ragged": 20}


@functools.cache
def plain(engine, rows):
    return run(engine, rows)


def check(way, engine, rows, folder):
    fit, after = way(engine, rows, folder)
    expected, expected_after = plain(engine, rows)
    assert fit.engine == engine
    assert fit.num_steps == EPOCHS * 3
    same(expected, fit)
    assert torch.equal(after, expected_after)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_eager_steps(way, rows, tmp_path):
    check(way, "eager", rows, tmp_path)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_steps_on_what_auto_chooses(way, tmp_path):
    """Here eager steps, after a look at the first."""
    fit, after = way("auto", ROWS["ragged"], tmp_path)
    expected, expected_after = plain("eager", ROWS["ragged"])
    same(expected, fit)
    assert torch.equal(after, expected_after)


@pytest.mark.long
@pytest.mark.parametrize("rows", [20, pytest.param(24, marks=pytest.mark.thorough)], ids=["ragged", "even"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_steps_on_xla(way, rows, tmp_path):
    check(way, "xla", rows, tmp_path)


@pytest.mark.every_engine
@pytest.mark.parametrize("way", [with_rare_callback, with_resume], ids=lambda way: way.__name__)
def test_steps_on_inductor(way, tmp_path):
    check(way, "inductor", ROWS["ragged"], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_restarts(engine):
    with pytest.warns(UserWarning, match="begins at the same values each time"):
        fit, after = run(engine, ROWS["ragged"], restarts=2)
    with pytest.warns(UserWarning, match="begins at the same values each time"):
        other, other_after = run(engine, ROWS["ragged"], restarts=2, callback=lambda step, loss: None)
    for mine, its in zip(fit.restarts, other.restarts, strict=True):
        same(mine, its)
    assert torch.equal(after, other_after)


@pytest.mark.parametrize("engine", ["eager", pytest.param("xla", marks=pytest.mark.long)])
def test_a_second_run_of_the_same_svi(engine, tmp_path):
    """Its steps may have been captured by the first."""

    def second(**options):
        svi, loader = problem(20)
        svi.run(epochs=2, data=loader, engine=engine, progress=False)
        return svi.run(epochs=2, data=loader, engine=engine, progress=False, **options)

    same(second(), second(checkpoint=tmp_path / "run", every=0.0, callback=lambda step, loss: None))
