"""The inputs of captured steps besides their state: batches and learning rates, as tensors."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from virgil.engine.runner import Inputs
from virgil.errors import CaptureError
from virgil.infer.run.source import Batch
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledStep, CompiledSteps
from virgil.ops.warning_filter import ignoring
from virgil.optim import LRScheduler

__all__ = ["Feed"]


class Feed:
    """Makes the inputs of stretches of steps.

    Args:
        steps: the captured steps.
        scheduled: whether learning rates follow the problem's schedule, or stay as they are.
        streams: whether each step has a batch of its own, even where there is but one step.
    """

    def __init__(self, steps: CompiledSteps, scheduled: bool = True, streams: bool = False) -> None:
        self._steps = steps
        self._scheduled = scheduled
        self._streams = streams
        self._behind = 0  # calls of the schedule before the present stretch

    def inputs(self, step: CompiledStep, batches: list[Batch], count: int, then: int = 0) -> Inputs:
        """The inputs of ``count`` steps, on one batch or on as many; advances the schedule as far.

        ``then`` steps on the same batch are likely to follow.
        """
        size = len(step.given.tensors)
        fixed: dict[int, Tensor] = {}
        streamed: dict[int, Tensor] = {}
        if len(batches) == 1 and not self._streams:
            fixed = dict(enumerate(arguments(batches[0].args, batches[0].kwargs).tensors))
        else:
            rows = [arguments(batch.args, batch.kwargs).tensors for batch in batches]
            streamed = {place: torch.stack([row[place] for row in rows]) for place in range(size)}
        if self._scheduler is None:
            fixed.update(enumerate(self._steps.rates(), size))
        else:
            columns = zip(*self._rates(self._scheduler, count), strict=True)
            streamed.update({size + place: torch.stack(list(column)) for place, column in enumerate(columns)})
        return Inputs(fixed, streamed, then=0 if streamed else then)

    def _rates(self, scheduler: LRScheduler, count: int) -> Iterator[list[Tensor]]:
        """The learning rates of the next steps."""
        self._behind = scheduler.calls
        before = self._options()
        for _ in range(count):
            yield [rate.clone() for rate in self._steps.rates()]
            # torch misses the step of its optimiser, which the engine takes
            with ignoring(UserWarning, "Detected call of `lr_scheduler.step"):
                scheduler.step()
        if self._options() != before:
            raise CaptureError(
                "The scheduler changes other options than the learning rate, which a captured step holds fast. Use "
                "cycle_momentum=False, or engine='eager'."
            )

    @property
    def _scheduler(self) -> LRScheduler | None:
        return self._steps.problem.scheduler if self._scheduled else None

    def go_back(self, count: int) -> None:
        """Let the schedule stand where it is after the first ``count`` steps of the present stretch."""
        if self._scheduler is not None:
            self._scheduler.go_back(self._behind + count)

    def _options(self) -> list[dict[str, str]]:
        optimizer = self._steps.torch_optimizer
        groups = [] if optimizer is None else optimizer.param_groups
        return [{key: repr(each) for key, each in group.items() if key not in ("params", "lr")} for group in groups]
