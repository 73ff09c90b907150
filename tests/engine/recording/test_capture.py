"""What cannot be captured is an error that names the line; what can is pure."""

import random

import numpy as np
import pytest
import torch

from virgil.engine.choice import compiled
from virgil.engine.recording.capture import capture
from virgil.engine.runner import Inputs
from virgil.engine.xla.interpret import check_lowered
from virgil.errors import CaptureError, OperatorError

STATE, INPUTS = [torch.tensor([1.0, 2.0])], [torch.tensor(3.0)]


def ended(state, loss):
    return [state], loss, torch.stack([loss])


def branches(state, inputs):
    if state[0].sum() > 0:  # this line
        return ended(state[0] * 2, inputs[0])
    return ended(state[0], inputs[0])


def reads_item(state, inputs):
    return ended(state[0] * state[0].sum().item(), inputs[0])  # this line


def counts(state, inputs):
    total = inputs[0]
    for _ in range(int(inputs[0])):  # this line
        total = total + 1
    return ended(state[0], total)


def makes_an_array(state, inputs):
    return ended(torch.as_tensor(np.tanh(state[0].numpy())), inputs[0])  # this line


def makes_a_list(state, inputs):
    return ended(torch.tensor([2 * each for each in state[0].tolist()]), inputs[0])  # this line


@pytest.mark.parametrize("step", [branches, reads_item, counts, makes_an_array, makes_a_list])
def test_a_tensor_as_a_python_value_is_an_error_that_names_the_line(step):
    with pytest.raises(CaptureError, match="captured step cannot follow") as caught:
        capture(step, STATE, INPUTS)
    assert "# this line" in str(caught.value)
    assert f"in {step.__name__}" in str(caught.value)


def by_number(state, inputs):
    return ended(state[0] * random.random(), inputs[0])


def by_array(state, inputs):
    return ended(state[0] + torch.from_numpy(np.random.rand(2).astype(np.float32)), inputs[0])


@pytest.mark.parametrize("step", [by_number, by_array])
def test_what_differs_from_run_to_run_is_an_error(step):
    with pytest.raises(CaptureError, match="performed different operations") as caught:
        capture(step, STATE, INPUTS)
    assert f"in {step.__name__}" in str(caught.value)


def test_structure_that_differs_by_chance_is_an_error():
    with pytest.raises(CaptureError, match="performed different operations"):
        capture(_alternating(), STATE, INPUTS)


def _alternating():
    calls = []

    def step(state, inputs):
        calls.append(1)
        return ended(state[0] * 2 if len(calls) % 2 else state[0] + 1, inputs[0])

    return step


def test_a_state_that_changes_its_shape_is_an_error():
    with pytest.raises(CaptureError, match=r"shape \(2,\).*shape \(4,\)"):
        capture(lambda state, inputs: ended(torch.cat([state[0], state[0]]), inputs[0]), STATE, INPUTS)


def test_capture_changes_no_tensor_and_no_generator():
    def step(state, inputs):
        state[0].add_(torch.randn(2))
        return ended(state[0], inputs[0])

    state = [torch.tensor([1.0, 2.0])]
    generator = torch.get_rng_state()
    program = capture(step, state, INPUTS)
    assert torch.equal(torch.get_rng_state(), generator)
    torch.manual_seed(0)
    first = program.graph(state, INPUTS)
    torch.manual_seed(0)
    second = program.graph(state, INPUTS)
    assert torch.equal(first[0][0], second[0][0])
    assert program.num_nodes > 0


def test_an_operator_without_a_lowering_names_operator_and_line():
    def step(state, inputs):
        found = torch.nonzero(inputs[0].expand(2))  # this line
        return ended(state[0] + found.sum(), inputs[0])

    with pytest.raises(OperatorError, match=r"aten\.nonzero.*no lowering") as caught:
        check_lowered(capture(step, STATE, INPUTS).graph.graph)
    assert "# this line" in str(caught.value)
    assert "inductor" in str(caught.value)


HELD = torch.tensor([1.0, 2.0])


def test_copies_of_tensors_that_a_step_holds_may_be_written_into():
    def step(state, inputs):
        made, ones = HELD.clone(), torch.ones_like(HELD.expand(3, 2))
        made[0] = inputs[0]
        return ended(state[0] * made, ones.sub_(HELD).sum())

    program = capture(step, STATE, INPUTS)
    after, loss, _ = program.graph(STATE, INPUTS)
    assert after[0].tolist() == [3.0, 4.0]
    assert loss.item() == -3.0
    assert HELD.tolist() == [1.0, 2.0]


def test_a_step_that_writes_into_a_tensor_of_its_own_is_an_error_that_names_the_line():
    own = torch.zeros(2)

    def step(state, inputs):
        own.add_(state[0])  # this line
        return ended(state[0] + own, inputs[0])

    with pytest.raises(CaptureError, match="writes into a tensor") as caught:
        capture(step, STATE, INPUTS)
    assert "# this line" in str(caught.value)


@pytest.mark.parametrize("shape", [(0,), (3,), (255,), (300,), (300, 2), (2, 70_000)])
def test_identity_matrices_of_any_size_are_captured(shape):
    """Torch's own way of taking them apart fails beyond 255."""

    def step(state, inputs):
        new = state[0] + torch.eye(*shape, dtype=torch.float64).sum()
        return [new], new, new[None]

    runner = compiled("xla", step, [torch.tensor(0.5, dtype=torch.float64)], [])
    runner.load([torch.tensor(0.5, dtype=torch.float64)])
    assert runner.advance(Inputs({}, {}), 0, 0, 1).losses.item() == 0.5 + min(shape)


def test_what_torch_cannot_take_apart_is_a_capture_error(monkeypatch):
    def failing(*args, **kwargs):
        raise NotImplementedError("not for UInt16")

    monkeypatch.setattr("virgil.engine.recording.capture.functional", failing)
    with pytest.raises(CaptureError, match=r"Torch cannot take an operator of the step apart: not for UInt16\. Use"):
        capture(lambda state, inputs: (state, state[0], state[0][None]), [torch.tensor(0.5)], [])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's, of itself, when it loads its compiler
def test_an_operator_that_takes_functions_is_an_error():
    def step(state, inputs):
        return ended(torch.cond(inputs[0] > 0, torch.sin, torch.cos, (state[0],)), inputs[0])

    with pytest.raises(CaptureError, match="takes functions, such as torch.cond"):
        capture(step, STATE, INPUTS)
