"""Checks of a model against its guide: what each finds and says, and that those which fit hear nothing."""

import re

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.pairs.mistaken_values import with_argument, without_argument
from tests.pairs.statements import NORMAL, ONE, program
from tests.pairs.tables import MISTAKES
from virgil.errors import MismatchError, ShapeError, SupportError
from virgil.infer import SVI, Trace_ELBO, elbo
from virgil.infer.elbo import program_structure as structure


def _fit(model, guide, *args, steps=1, loss=None, **kwargs):
    return SVI(model, guide, virgil.optim.SGD({"lr": 0.01}), loss or Trace_ELBO()).run(steps, *args, **kwargs)


def test_signatures_are_compared():
    with pytest.raises(
        MismatchError, match=r"The guide without_argument\(\) cannot be called with 1 positional argument:"
    ):
        _fit(with_argument, without_argument, ONE)
    with pytest.raises(MismatchError, match=r"with 1 positional argument and keywords more: .*'more'"):
        _fit(with_argument, with_argument, ONE, more=2)

    def model(x, y):
        virgil.sample("z", NORMAL)

    def swapped(y, x):
        virgil.sample("z", NORMAL)

    message = r"Argument 1 is 'x' in the model \(x, y\) but 'y' in the guide \(y, x\)\. .*put them in the same order"
    with pytest.raises(MismatchError, match=message):
        _fit(model, swapped, 1, 2)
    _fit(model, swapped, x=1, y=2)  # by name, the order does not matter


def test_an_error_says_which_program_was_running():
    def failing():
        raise ZeroDivisionError

    fine = program(("z", NORMAL))
    for model, guide, role in ((fine, failing, "guide"), (failing, fine, "model")):
        with pytest.raises(ZeroDivisionError) as caught:
            _fit(model, guide)
        (note,) = caught.value.__notes__
        assert note.startswith(f"This happened while the {role} was running")


@pytest.mark.parametrize(
    "name", ["observed in the guide", "a batch dim without a plate, in the model", "a plate of another size", "missing"]
)
def test_checks_can_be_turned_off(name):
    model, guide = MISTAKES[name].model, MISTAKES[name].guide
    virgil.enable_validation(False)
    _fit(model, guide)
    virgil.enable_validation(True)
    with pytest.raises(virgil.errors.VirgilError):
        _fit(model, guide)


def _counting(monkeypatch):
    calls, real = [], structure.check
    monkeypatch.setattr(structure, "check", lambda *args, **options: (calls.append(1), real(*args, **options)))
    return calls


def test_checks_run_first_and_when_the_structure_changes(monkeypatch):
    calls = _counting(monkeypatch)
    sizes = []

    def model(size):
        with virgil.plate("data", size):
            virgil.sample("z", NORMAL)

    svi = SVI(model, model, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    for size in (3, 3, 3, 5, 5, 3, 5):
        svi.step(size)
        sizes.append(len(calls))
    first = sizes[0]
    assert first >= 1
    assert sizes == [first, first, first, first + 1, first + 1, first + 1, first + 1]


@pytest.mark.parametrize(
    ("late", "error", "message"),
    [
        (lambda: virgil.sample("extra", NORMAL), MismatchError, "Site 'extra' is latent in the model"),
        (lambda: virgil.sample("x", dist.Gamma(1.0, 1.0), obs=-ONE), SupportError, "At site 'x' of the model"),
        (
            lambda: virgil.sample("x", dist.Normal(torch.zeros(2), 1.0), obs=ONE),
            ShapeError,
            "At site 'x', the distribution has size 2",
        ),
        (
            lambda: virgil.sample("x", dist.Normal(torch.zeros(3), 1.0).to_event(1), obs=torch.zeros(4)),
            ShapeError,
            "At site 'x', the observed value has shape (4,), which does not broadcast",
        ),
    ],
)
def test_a_program_that_changes_at_step_three_is_checked_there(late, error, message):
    step = []

    def model():
        virgil.sample("z", NORMAL)
        if len(step) == 3:
            late()

    svi = SVI(model, program(("z", NORMAL)), virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    for _ in range(3):
        svi.step()
        step.append(1)
    with pytest.raises(error, match=re.escape(message)):
        svi.step()


def test_modules_are_called_by_the_signature_of_forward():
    class Model(torch.nn.Module):
        def forward(self, data):
            virgil.sample("z", NORMAL)

    with pytest.raises(MismatchError, match="missing a required argument: 'data'"):
        elbo.Trace_ELBO().loss(Model(), Model())
    assert isinstance(elbo.Trace_ELBO().loss(Model(), Model(), 1), float)


def test_an_error_of_the_program_itself_stays_that_error():
    step = []

    def model():
        virgil.sample("z", NORMAL)
        step.append(1)
        if len(step) > 2:
            raise RuntimeError("of the program")

    svi = SVI(model, program(("z", NORMAL)), virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    svi.step()
    with pytest.raises(RuntimeError, match="of the program"):
        svi.step()
