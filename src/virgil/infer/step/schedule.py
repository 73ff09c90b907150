"""When a captured step that is taken alone, again and again, is compared with the programs."""

from __future__ import annotations

__all__ = ["Schedule"]

_APART = 4  # steps for each operator that is compared: the comparisons then take a fiftieth of the time
_FIRST = 2**10  # of the longest distance, the first comparison comes after this part


class Schedule:
    """Comparisons after 1, 4, 16, ... steps, up to a longest distance, beyond which they cost too much.

    No clock is asked, so that a program that changes is found to have changed at the same step each time.

    Args:
        num_calls: how many operators are compared.
    """

    def __init__(self, num_calls: int) -> None:
        self._longest = _APART * num_calls
        self._steps = self._compared = 0
        self._due = max(1, self._longest // _FIRST)

    @property
    def is_due(self) -> bool:
        """True if the step is to be compared before it is taken."""
        return self._steps >= self._due

    def note_step(self) -> None:
        """Count a step."""
        self._steps += 1

    def note_comparison(self) -> int:
        """Count from here; returns the number of steps since the last comparison."""
        count, self._compared = self._steps - self._compared, self._steps
        self._due = max(self._due, self._steps + min(max(1, 3 * self._steps), self._longest))
        return count
