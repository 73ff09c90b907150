"""What a program reads may change between two runs, in a callback and between single steps, in whatever way."""

import functools
import random
import warnings
from functools import partial
from itertools import count

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.step.cases import Replayed
from tests.infer.step.changeable import PROGRAMS, descent, observing, point
from tests.infer.step.numbers_read import file
from virgil.errors import CaptureError, FitWarning, NonFiniteError
from virgil.infer import SVI, JitTrace_ELBO, Trace_ELBO
from virgil.infer.step import compiled
from virgil.infer.step.verification import Verification
from virgil.infer.trust.path import path_of

pytestmark = pytest.mark.long


# that an engine reads where they lie, so that their values may change without a capture
LIVE = {
    "buffer that is written", "frozen parameter", "large tensor", "numpy array that is copied",
    "numpy array whose memory is shared", "parameter of a distribution that is kept", "tensor", "tensor through data",
    "tensor that does not lie densely",
}  # fmt: skip
# that are seen at once between single steps, because they are part of a step's key
KEY = {"an option of an optimiser", "prior of a module"}
SOME = [
    "an optimiser of ones own", "dict", "flag of a network", "function of the module", "global", "hook of a tensor",
    "how many entries of a tensor are positive", "loop", "numpy array", "tensor that is replaced", "the environment",
    "the memory of a tensor", "what the guide reads",
]  # fmt: skip


@pytest.fixture(autouse=True)
def settings_as_before():
    progress = virgil.settings.get("progress")
    yield
    virgil.settings.set(progress=progress)


@pytest.fixture
def replays(monkeypatch):
    monkeypatch.setattr(compiled, "compiled", lambda engine, *step: Replayed(*step))


def svi_of(program, loss=None):
    return SVI(program.model, program.guide, program.optim(), (loss or program.loss)(), params=virgil.ParamStore())


def losses_of(make, engine, changes=True):
    """The losses of runs between which the number changes, and in whose callbacks it does; the captures after each."""
    program = make()
    svi, losses, captures = svi_of(program), [], []

    def change(value):
        if changes:
            program.change(value)

    def run(steps, **options):
        losses.extend(svi.run(steps, engine=engine, progress=False, **options).losses.tolist())
        captures.append(svi.session.compiled("xla").captures)

    run(4)
    run(2)
    change(4.0)
    run(3)
    run(2)
    run(9, callback_every=3, callback=lambda done, loss: change(2.0 if done == 3 else 1.0))
    return torch.tensor(losses), captures


def assert_as_eager(make, is_live):
    losses, captures = losses_of(make, "xla")
    expected, _ = losses_of(make, "eager")
    unchanged, _ = losses_of(make, "eager", changes=False)
    torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(unchanged[:6], expected[:6])
    assert (unchanged - expected).abs().max() > 0.05
    assert captures[:4] == ([1, 1, 1, 1] if is_live else [1, 1, 2, 2])
    assert captures[4] <= (1 if is_live else 4)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_change_holds_from_the_next_step_on(name, replays):
    assert_as_eager(PROGRAMS[name], name in LIVE)


@pytest.mark.parametrize("name", [*sorted(LIVE), *SOME])
def test_and_so_on_xla(name):
    assert_as_eager(PROGRAMS[name], name in LIVE)


def test_a_change_of_a_file(replays, tmp_path):
    assert_as_eager(lambda: observing(*file(tmp_path / "number")), False)


@pytest.mark.parametrize("name", [*sorted(LIVE | KEY), *SOME])
def test_between_single_steps_a_change_is_found_before_long(name, replays):
    program = PROGRAMS[name]()
    svi = svi_of(program, JitTrace_ELBO)
    for _ in range(6):
        svi.step()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitWarning)
        program.change(4.0)
        for _ in range(14):
            svi.step()
    assert svi.session.compiled("xla").captures == (1 if name in LIVE else 2)
    assert [str(each.message).count("As many as 12 steps") for each in caught] == ([] if name in LIVE | KEY else [1])
    expected = svi.evaluate_loss()
    assert svi.step() == pytest.approx(expected, abs=1e-4)


def test_what_alternates_between_single_steps_is_taken_up_again_and_said_once(replays):
    program = PROGRAMS["dict"]()
    svi = svi_of(program, JitTrace_ELBO)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitWarning)
        for value in (1.0, 4.0, 1.0, 4.0):
            program.change(value)
            for _ in range(200):
                svi.step()
            expected = svi.evaluate_loss()
            assert svi.step() == pytest.approx(expected, abs=1e-4)
    assert len(caught) == 1
    assert svi.session.compiled("xla").captures == 2


@pytest.mark.parametrize("loss", [Trace_ELBO, JitTrace_ELBO])
def test_to_compare_changes_no_number(loss, replays, monkeypatch):
    """Nor does it cost a random number of torch's, NumPy's or Python's."""

    def model():
        z = virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.3)), 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(2.0))

    def guide():
        virgil.sample("z", dist.Normal(virgil.param("q", torch.tensor(0.0)), 1.0))

    def outcome():
        virgil.set_rng_seed(3)
        svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), loss(), params=virgil.ParamStore())
        losses = [svi.step() for _ in range(20)]
        for _ in range(2):
            fit = svi.run(12, engine="xla", progress=False, callback_every=4, callback=lambda done, loss: None)
            losses += fit.losses.tolist()
        assert svi.session.compiled("xla").captures == 1
        return losses, [torch.rand(()).item(), np.random.rand(), random.random()]

    compared = outcome()
    monkeypatch.setattr(Verification, "holds", lambda *_: True)
    assert outcome() == compared


def test_a_program_is_run_once_when_a_run_begins_and_once_after_each_callback(replays):
    runs = count()

    def model():
        next(runs)
        virgil.sample("z", dist.Normal(0.0, 1.0))

    svi = SVI(model, point, descent(), Trace_ELBO(), params=virgil.ParamStore())
    svi.run(3, engine="xla", progress=False)
    begin = next(runs)
    svi.run(30, engine="xla", progress=False, callback_every=10, callback=lambda done, loss: None)
    assert next(runs) - begin - 1 == 3  # none follows the last callback


def test_what_a_program_counts_in_python_cannot_be_captured_and_is_stepped_eagerly():
    numbers = count(1)
    program = observing(lambda: float(next(numbers)), lambda value: None)
    with pytest.raises(CaptureError, match="performed different operations"):
        svi_of(program).run(5, engine="xla", progress=False)


def test_a_parameter_that_no_factorisation_takes_is_explained_by_the_step_and_not_met_before():
    def model():
        scale = virgil.param("scale", torch.tensor(1.0))
        factor = torch.linalg.cholesky(torch.eye(2) * scale)
        virgil.sample("x", dist.MultivariateNormal(torch.zeros(2), scale_tril=factor), obs=torch.ones(2))

    svi = SVI(model, lambda: None, descent(), Trace_ELBO(), params=virgil.ParamStore())

    def callback(done, loss):
        svi.params["scale"] = torch.tensor(-1.0)

    with pytest.raises(NonFiniteError, match=r"At step 4|step 4"):
        svi.run(8, engine="xla", progress=False, callback_every=4, callback=callback)
    assert svi.params["scale"].item() == -1.0
    assert svi.session.compiled("xla").captures == 1


def test_what_a_program_raises_after_a_change_is_raised(replays):
    held = {"value": 1.0}
    svi = svi_of(observing(lambda: held["value"], None))
    with pytest.raises(KeyError, match="value"):
        svi.run(8, engine="xla", progress=False, callback_every=4, callback=lambda done, loss: held.clear())
    assert svi.params["loc"].item() > -3.0


def test_a_change_holds_for_restarts_that_run_at_once():
    held = {"value": 1.0}

    def guide():
        virgil.sample("z", dist.Delta(virgil.param("loc", lambda: torch.randn(()))))

    def model():
        z = virgil.sample("z", dist.Normal(0.0, 100.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(held["value"]))

    svi = SVI(model, guide, virgil.optim.SGD({"lr": 0.3}), Trace_ELBO(), params=virgil.ParamStore())
    for number in (4.0, 2.0):
        change = partial(held.update, value=number)
        options = {"engine": "xla", "progress": False, "restarts": 3, "callback_every": 30}
        fit = svi.run(60, callback=lambda done, loss, change=change: change(), **options)
        for each in fit.restarts:
            assert each.params["loc"].item() == pytest.approx(number, abs=1e-3)  # what is left after 30 steps: 0.7^30
        assert fit.engine == "xla"


def test_further_steps_for_a_check_are_those_of_the_program_as_it_is():
    held = {"value": 1.0}
    svi = svi_of(observing(lambda: held["value"], None))
    fit = svi.run(6, engine="xla", progress=False)
    held["value"] = 50.0
    with fit.origin.present():
        path = path_of(fit.origin, "xla", 128)
    assert path.losses[0] == pytest.approx(svi.evaluate_loss(), rel=1e-4)


def test_what_a_program_keeps_when_it_is_first_called_may_be_forgotten(replays):
    """It computes it anew, which is no change, though other operators run the first time."""

    @functools.cache
    def table():
        return torch.tensor([0.5, 1.0]).exp()

    svi = svi_of(observing(lambda: table()[1], None))
    for _ in range(3):
        svi.run(3, engine="xla", progress=False)
        table.cache_clear()
    assert svi.session.compiled("xla").captures == 1


def test_particles_are_seen_between_single_steps_at_once(replays):
    program = PROGRAMS["dict"]()
    svi = svi_of(program, partial(JitTrace_ELBO, vectorize_particles=False))
    for number in (1, 1, 3, 1):
        svi.objective.num_particles = number
        svi.step()
        svi.step()
    assert svi.session.compiled("xla").captures == 2
