"""``Verification``: a captured step compared with what the programs do now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from virgil.engine.recording.follow import beginning, first_difference
from virgil.engine.recording.program import CapturedStep, on_copies
from virgil.engine.recording.transcript import Transcript
from virgil.infer.step.function import StepFunction
from virgil.ops.random_state import preserved_rng
from virgil.optim.gradients import GradientClip
from virgil.optim.torch_step import is_plain
from virgil.params import get_param_store

__all__ = ["Verification"]


class Verification:
    """The calls of a captured step, to be compared with those that the programs make later.

    Of an optimiser whose options say all, which are part of a step's key, the steps are not compared.

    Args:
        program: the captured step.
        function: what was captured.
        inputs: arguments and learning rates, as then.
    """

    def __init__(self, program: CapturedStep, function: StepFunction, inputs: list[Tensor]) -> None:
        self._whole = program.transcript
        self._differentiated = None
        if _is_told_by_options(function):
            with preserved_rng(redirects=False):  # a follower calls all operators
                self._differentiated = beginning(self._whole, *_run(function.differentiated, function, inputs))

    @property
    def num_calls(self) -> int:
        """How many operators are compared."""
        return len((self._differentiated or self._whole).calls)

    def holds(self, function: StepFunction, inputs: list[Tensor]) -> bool:
        """True if the step would be captured as it was.

        Random generators and the store are put back. What it would write that no captured step writes, such as buffers
        of a network that it has not called before, is a difference, before which the run ends.
        """
        transcript: Transcript = self._whole
        step: Callable[..., Any] = function
        if self._differentiated is not None and _is_told_by_options(function):
            transcript, step = self._differentiated, function.differentiated
        try:
            with preserved_rng(redirects=False), get_param_store().discarding():
                return first_difference(transcript, *_run(step, function, inputs)) is None
        except Exception:  # the program's own, which a step will meet as well
            return False


def _run(
    step: Callable[..., Any], function: StepFunction, inputs: list[Tensor]
) -> tuple[Any, list[Tensor], list[Tensor]]:
    """A function and what it is called with, as for a capture."""
    return on_copies(step), [each.detach() for each in function.state.tensors()], [each.detach() for each in inputs]


def _is_told_by_options(function: StepFunction) -> bool:
    clip = function.clip
    return is_plain(function.optimizer) and (clip is None or isinstance(clip, GradientClip))
