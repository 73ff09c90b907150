"""Rules that end a run early."""

from __future__ import annotations

import math
import time
from typing import Protocol

import torch

from virgil.errors import ArgumentError, shown
from virgil.infer.step.record import Record

__all__ = ["Plateau", "Stop", "TimeLimit"]


class Stop(Protocol):
    """A rule that is asked every so many steps whether a run should end.

    Attributes:
        every: how many steps lie between two questions.
    """

    every: int

    def reason(self, record: Record) -> str | None:
        """Why the run should end; ``None`` if it should go on."""
        ...


class Plateau:
    """Ends a run when the averaged loss no longer falls.

    The mean loss of the last ``window`` steps is compared with that of the ``window`` steps before. The run ends when
    it is not lower by more than ``tolerance`` standard errors of the difference, of which the loss's own scatter
    from step to step gives the size.

    Args:
        window: steps that are averaged; also how often the rule is asked.
        tolerance: standard errors. With 0 a run ends at the first rise.

    Raises:
        ArgumentError: an argument out of range.

    Example:
        >>> fit = svi.run(100_000, data, stop=Plateau(window=500))  # doctest: +SKIP
    """

    def __init__(self, window: int = 500, tolerance: float = 1.0) -> None:
        if not isinstance(window, int) or window < 2:
            raise ArgumentError(f"Plateau got window={shown(window)}; it takes a whole number of steps, 2 or more.")
        if math.isnan(tolerance) or tolerance < 0:
            raise ArgumentError(f"Plateau got tolerance={shown(tolerance)}; it takes standard errors, 0 or more.")
        self.every = window
        self.tolerance = tolerance

    def reason(self, record: Record) -> str | None:
        """Compare the last two windows."""
        if record.num_steps < 2 * self.every:
            return None
        before, last = record.losses(2 * self.every).double().chunk(2)
        fall = (before.mean() - last.mean()).item()
        error = torch.sqrt((before.var() + last.var()) / self.every).item()
        if fall > self.tolerance * error:
            return None
        return (
            f"the loss averaged over {self.every} steps fell by {fall:.3g} nats, not more than {self.tolerance:g} "
            f"standard errors of {error:.3g}"
        )


class TimeLimit:
    """Ends a run after so many seconds, counted from the first time that it is asked.

    Args:
        seconds: how many.
        every: steps between two looks at the clock.

    Raises:
        ArgumentError: an argument out of range.
    """

    def __init__(self, seconds: float, every: int = 10) -> None:
        if not seconds > 0:
            raise ArgumentError(f"TimeLimit got seconds={shown(seconds)}; it takes a positive number.")
        if not isinstance(every, int) or every < 1:
            raise ArgumentError(f"TimeLimit got every={shown(every)}; it takes a whole number of steps, 1 or more.")
        self.seconds = seconds
        self.every = every
        self._begin: float | None = None

    def reason(self, record: Record) -> str | None:
        """Look at the clock."""
        now = time.perf_counter()
        self._begin = now if self._begin is None else self._begin
        return None if now - self._begin < self.seconds else f"the {self.seconds:g} seconds are over"
