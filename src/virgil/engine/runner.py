"""The interface of every compiled engine: a program, run many steps at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from virgil.engine.recording.program import CapturedStep

__all__ = ["Course", "Inputs", "Restarts", "Runner", "joined"]


@dataclass(frozen=True)
class Inputs:
    """The inputs of the steps of a stretch, besides their state.

    Attributes:
        fixed: by position among a program's inputs, those that are the same at every step.
        streamed: by position, those that change: one row a step.
        alone: whether a single step is asked for, again and again, so that its record should be short.
        then: how many steps are likely to be asked for next, on the same inputs: an engine may begin them.
    """

    fixed: dict[int, Tensor]
    streamed: dict[int, Tensor]
    alone: bool = False
    then: int = 0

    def stretches(self, count: int, longest: int) -> Iterator[tuple[int, Inputs]]:
        """The inputs of ``count`` steps in stretches of at most ``longest``, each with the number of its first."""
        for start in range(0, count, longest):
            rows = {place: each[start : start + longest] for place, each in self.streamed.items()}
            rest = count - start - longest
            yield start, Inputs(self.fixed, rows, self.alone, rest if rest > 0 else self.then)


@dataclass(frozen=True)
class Course:
    """The record of a stretch of steps.

    Attributes:
        losses: nats. Shape: ``(steps,)``. Fewer than were asked for, and the last not finite, where a loss or a
            gradient was not; the state is then that before this last step.
        norms: of the gradients. Shape: ``(steps, parameters)``.
        is_finite: whether all were.
        sums: the sums over the steps of the first tensors of the state, float64, as many as were asked for.
    """

    losses: Tensor
    norms: Tensor
    is_finite: bool = True
    sums: Sequence[Tensor] = ()


def joined(courses: Sequence[Course]) -> Course:
    """The records of successive stretches as one."""
    return Course(
        torch.cat([each.losses for each in courses]),
        torch.cat([each.norms for each in courses]),
        courses[-1].is_finite,
        [torch.stack(rows).sum(0) for rows in zip(*(each.sums for each in courses), strict=True)],
    )


class Runner(Protocol):
    """A program on an engine, with the state of a run."""

    @property
    def program(self) -> CapturedStep:
        """The program that it runs."""
        ...

    @property
    def num_compiled(self) -> int:
        """How many operations are compiled, those of all rounds of a loop counted once where it is rolled up."""
        ...

    def load(self, state: Sequence[Tensor]) -> None:
        """Begin with this state; the tensors are not written."""
        ...

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> Course:
        """Take ``count`` steps, the numbers ``first``, ``first + 1``, ... of a run whose randomness is ``seed``.

        The noise of a step depends on the seed and its number alone. The first ``summed`` tensors of the state are
        summed over the steps.
        """
        ...

    def noise(self, seed: int, number: int) -> AbstractContextManager[None]:
        """A block in which eager operations draw what the step of this number draws, if they are its operations.

        Raises:
            CaptureError: when an operation draws otherwise than the program.
        """
        ...

    def state(self) -> list[Tensor]:
        """The present state; the tensors must not be written, and no later step writes them."""
        ...


class Restarts(Protocol):
    """A program on an engine, with the states of several runs that go on together."""

    def load(self, states: Sequence[Sequence[Tensor]], is_finite: Sequence[bool]) -> None:
        """Begin with these states, all whose flag is false standing still; the tensors are not written."""
        ...

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> list[Course]:
        """As for :class:`Runner`, for each run; one whose step is not finite stays before it, and the others go on."""
        ...

    def noise(self, seed: int, number: int, row: int) -> AbstractContextManager[None]:
        """As for :class:`Runner`, of one run."""
        ...

    def states(self) -> list[list[Tensor]]:
        """The present state of each; the tensors must not be written, and hold until the next ``advance``."""
        ...
