"""An exception from inside a program says which program, statement, line, tensors and plates, however it is run."""

from __future__ import annotations

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.failing_programs import FAILING
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO

DRAWN = {name: each for name, each in FAILING.items() if each.is_drawn}


def _svi(failing, loss=None):
    chosen = loss or (TraceEnum_ELBO if failing.enumerates else Trace_ELBO)
    return SVI(failing.model, failing.make_guide(), virgil.optim.SGD({"lr": 0.01}), chosen())


def _step(failing):
    _svi(failing).step(*failing.args)


def _eager(failing):
    _svi(failing).run(2, *failing.args, engine="eager", progress=False)


def _default_engine(failing):
    _svi(failing).run(2, *failing.args, progress=False)


def _enumerating(failing):
    SVI(
        failing.model,
        failing.make_guide(),
        virgil.optim.SGD({"lr": 0.01}),
        TraceEnum_ELBO(strict_enumeration_warning=False),
    ).step(*failing.args)


def _said(failing, run):
    with pytest.raises(failing.error) as caught:
        run(failing)
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_there_are_enough():
    assert len(FAILING) >= 25


@pytest.mark.parametrize("run", [_step, _eager, _default_engine, _enumerating])
@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
def test_a_step_says_where(failing, run):
    said = _said(failing, run)
    for part in failing.parts:
        assert part in said


@pytest.mark.parametrize("failing", DRAWN.values(), ids=DRAWN)
def test_a_prediction_says_where(failing):
    said = _said(failing, lambda each: Predictive(each.model, num_samples=2)(*each.args))
    for part in failing.parts:
        if "while the" not in part:
            assert part in said
    assert "while the model was running" in said


def test_a_note_is_made_once():
    with pytest.raises(RuntimeError) as caught:
        _step(FAILING["weights of another size"])
    assert sum(note.startswith("This happened") for note in caught.value.__notes__) == 1


class _Touchy:
    """An object that cannot be looked at."""

    def __getattr__(self, name):
        raise ZeroDivisionError(name)

    def __repr__(self):
        raise ZeroDivisionError("repr")


def test_objects_at_the_line_are_left_alone():
    touchy = _Touchy()

    def model():
        virgil.sample("z", dist.Normal(0.0, 1.0))
        return touchy, torch.zeros(2) + torch.zeros(3)

    with pytest.raises(RuntimeError, match="must match the size") as caught:
        SVI(model, lambda: None, virgil.optim.SGD({"lr": 0.01}), Trace_ELBO()).step()
    assert "while the model was running, after site 'z'" in caught.value.__notes__[0]
