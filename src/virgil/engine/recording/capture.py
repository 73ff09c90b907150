"""Capture a step, or any function of tensors: run it, record its operations, and check that they are all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from virgil.engine.operators.writes import writes
from virgil.engine.recording.follow import Difference, first_difference
from virgil.engine.recording.graph import Recording, functional, recorded
from virgil.engine.recording.program import CapturedStep, StepFn, on_copies
from virgil.engine.recording.transcript import Transcript, transcript_of
from virgil.errors import CaptureError, VirgilError
from virgil.ops.operators import OpOverload
from virgil.ops.random_state import preserved_rng

__all__ = ["capture", "captured"]


def capture(step: StepFn, state: Sequence[Tensor], inputs: Sequence[Tensor]) -> CapturedStep:
    """The step as one graph; see :func:`captured`.

    Args:
        step: takes the state's tensors and the other inputs; gives the state after it, the loss, and gradient norms.
        state: tensors to run it on.
        inputs: likewise.

    Raises:
        CaptureError: likewise, or the state changes its shapes or dtypes.
    """
    given = [each.detach() for each in state], [each.detach() for each in inputs]
    graph, transcript = _captured(on_copies(step), given, "step")
    _check_state(graph, state)
    return CapturedStep(graph, transcript, len(state), len(inputs))


def captured(fn: Callable[..., Any], *given: Any, what: str = "step") -> Recording:
    """A function of tensors as one graph, made sure to be all that there is to it.

    It is run twice, and random generators are put back, to find out whether it performs the same operations each time.

    Args:
        fn: the function, which writes into none of its arguments.
        given: tensors to run it on, nested.
        what: a word for it.

    Raises:
        CaptureError: a tensor is used as a Python value, the operations are not the same each time, the function writes
            into a tensor that is no argument, or torch cannot take an operator apart. The message names the line.
    """
    return _captured(fn, given, what)[0]


def _captured(fn: Callable[..., Any], given: Sequence[Any], what: str) -> tuple[Recording, Transcript]:
    with preserved_rng(redirects=False):  # all operators are called by a recorder
        try:
            record = recorded(fn, *given)
            transcript = transcript_of(record)
            difference = first_difference(transcript, fn, *given)
        except NotImplementedError as error:
            if "HigherOrderOperator" not in str(error):
                raise
            raise CaptureError(
                f"The {what} calls an operator that takes functions, such as torch.cond, which cannot be captured. Use "
                "torch.where, or a Python loop in the place of a scan, or engine='eager'."
            ) from error
        if difference is not None:
            raise CaptureError(_varies(difference, what))
        try:
            graph = functional(record, *given)
        except VirgilError:
            raise
        except Exception as error:  # the function itself has run, so this is not the user's
            raise CaptureError(
                f"Torch cannot take an operator of the {what} apart: {str(error).splitlines()[0]}. Use engine='eager'."
            ) from error
    _check_pure(graph, record, what)
    return graph, transcript


def _varies(difference: Difference, what: str) -> str:
    place = f" The first difference is at\n  {difference.line}\n" if difference.line else " "
    return (
        f"Two runs of the {what} performed different operations, so it cannot be captured.{place}What changes from one "
        "run to the next must be an argument, a parameter or random by torch. Where sites come and go by chance, use "
        "engine='eager'."
    )


def _check_pure(graph: Recording, record: Recording, what: str) -> None:
    if not any(writes(node) for node in graph.graph.nodes):
        return
    writing = (node for node in record.graph.nodes if writes(node) and _held(node.args[0]))
    line = next((node.meta.get("stack_trace") for node in writing), None)
    place = f":\n  {line}\n" if line else ". "
    raise CaptureError(
        f"A {what} writes into a tensor that is no argument, parameter or buffer of a network{place}Make it a buffer "
        "(register_buffer), write into a copy, or use engine='eager'."
    )


def _held(node: Any) -> bool:
    """True for a node that is a tensor held by the graph, or a view of one."""
    while isinstance(node.target, OpOverload) and (node.target.is_view or writes(node)):
        node = node.args[0]
    return bool(node.op == "get_attr")


def _check_state(graph: Recording, state: Sequence[Tensor]) -> None:
    outputs = list(graph.graph.nodes)[-1].args[0]
    for before, node in zip(state, outputs, strict=False):
        after = node.meta["val"]
        if (after.shape, after.dtype) != (before.shape, before.dtype):
            raise CaptureError(
                f"A step turned a tensor of shape {tuple(before.shape)} and dtype {before.dtype} of its state into "
                f"one of shape {tuple(after.shape)} and dtype {after.dtype}. Use engine='eager'."
            )
