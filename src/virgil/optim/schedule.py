"""A torch learning-rate scheduler with a memory of its calls, so that it can be made again at any time.

A torch scheduler covers the groups that were there when it was made. When a parameter with options of its own joins
later, or a state is restored, the scheduler is made again and its calls are repeated. The rates are then those of a
scheduler that was there from the first step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from virgil.errors import ParamError
from virgil.ops.warning_filter import ignoring

__all__ = ["Call", "Schedule"]

Call = tuple[float, ...]


class Schedule:
    """The calls to a scheduler, and the torch scheduler that is attached to the present optimiser."""

    def __init__(self, kind: Any, options: Mapping[str, Any]) -> None:
        self._kind = kind
        self._options = dict(options)
        self._scheduler: Any = None
        self.calls: list[Call] = []

    @property
    def scheduler(self) -> Any:
        """Torch's scheduler; ``None`` before the first parameter."""
        return self._scheduler

    @property
    def takes_metric(self) -> bool:
        """``True`` if a call needs the metric that the schedule watches."""
        return isinstance(self._kind, type) and issubclass(self._kind, torch.optim.lr_scheduler.ReduceLROnPlateau)

    def check(self, calls: Sequence[Call]) -> None:
        """Check that the calls of a state are calls of this scheduler.

        Raises:
            ParamError: they have other arguments.
        """
        if self.takes_metric:
            wrong, takes = any(len(call) != 1 for call in calls), "the metric at every call"
        else:
            wrong, takes = any(len(call) > 1 for call in calls), "no metric"
        if wrong:
            raise ParamError(
                f"The state is that of another schedule: this one takes {takes}. Make the same scheduler as the one "
                "whose state was taken."
            )

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Make the scheduler for this optimiser and repeat all calls. Its groups have the options as declared."""
        options = self._options
        if "schedulers" in options:
            options = {**options, "schedulers": [make(optimizer) for make in options["schedulers"]]}
        self._scheduler = self._kind(optimizer=optimizer, **options)
        # the repeated calls come before the first step of this optimiser, which torch takes for a mistake
        with ignoring(UserWarning, "Detected call of `lr_scheduler.step"):
            for call in self.calls:
                self._scheduler.step(*call)

    def step(self, *args: float) -> None:
        """Advance the schedule by one."""
        call = tuple(float(each) for each in args)
        if self._scheduler is not None:
            self._scheduler.step(*call)
        self.calls.append(call)
