"""``LRScheduler``: an optimiser whose learning rates follow a torch scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.optim.facade import Facade
from virgil.optim.optimizer import Optimizer
from virgil.optim.options import OptimArgs, check_names
from virgil.optim.schedule import Schedule
from virgil.optim.state import OptimState

__all__ = ["LRScheduler"]


class LRScheduler(Facade):
    """An optimiser with learning rates that follow a schedule. The user advances it by ``step()``.

    The schedule is the same for all parameters. A parameter that appears late joins it where it stands.

    Args:
        scheduler_constructor: a class of ``torch.optim.lr_scheduler``.
        optim_args: ``{"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, ...}``, where the rest are the
            scheduler's own options. ``SequentialLR`` and ``ChainedScheduler`` take ``schedulers``, a list of functions
            from a torch optimiser to a scheduler, such as ``partial(StepLR, step_size=3)``.
        clip_args: as for :class:`virgil.optim.Optimizer`.

    >>> leaf = torch.zeros((), requires_grad=True)
    >>> options = {"optimizer": torch.optim.SGD, "optim_args": {"lr": 1.0}, "gamma": 0.5}
    >>> scheduler = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, options)
    >>> for epoch in range(2):
    ...     leaf.grad = torch.tensor(-1.0)
    ...     scheduler({"loc": leaf})  # SVI does this
    ...     scheduler.step()
    >>> leaf.item()
    1.5

    Raises:
        ArgumentError: an option is missing, unknown, or wrong.
    """

    def __init__(
        self, scheduler_constructor: Any, optim_args: Mapping[str, Any], clip_args: OptimArgs | None = None
    ) -> None:
        options = dict(optim_args)
        missing = {"optimizer", "optim_args"} - options.keys()
        if missing:
            raise ArgumentError(
                f"{scheduler_constructor.__name__} got {shown(optim_args)}, without {' and '.join(sorted(missing))}; "
                'it takes {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, ...} and its own options.'
            )
        kind, args = options.pop("optimizer"), options.pop("optim_args")
        check_names(scheduler_constructor, options, without=("self", "optimizer"))
        _check_schedulers(scheduler_constructor, options)
        self._schedule = Schedule(scheduler_constructor, options)
        self.optimizer = self._optimizer(kind, args, clip_args)
        _try(kind, {} if callable(args) else args, scheduler_constructor, options)

    def _optimizer(self, kind: Any, args: OptimArgs, clip_args: OptimArgs | None) -> Optimizer:
        """The optimiser that the schedule is for."""
        return Optimizer(kind, args, clip_args, schedule=self._schedule)

    @property
    def takes_metric(self) -> bool:
        """``True`` if ``step`` needs the metric that the schedule watches, as ``ReduceLROnPlateau`` does."""
        return self._schedule.takes_metric

    def __call__(self, params: Mapping[str, Tensor] | Iterable[Tensor]) -> None:
        """Take one step of the optimiser; the schedule stays where it is."""
        self.optimizer(params)

    def step(self, *args: float) -> None:
        """Advance the schedule by one; ``ReduceLROnPlateau`` takes the metric that it watches."""
        self._schedule.step(*args)

    @property
    def calls(self) -> int:
        """The number of calls of ``step``."""
        return len(self._schedule.calls)

    def go_back(self, calls: int) -> None:
        """Put the schedule back to where it was after so many calls."""
        state = self.optimizer.get_state()
        if state["schedule"] is not None:
            self.optimizer.set_state({**state, "schedule": state["schedule"][:calls]})

    def get_state(self) -> OptimState:
        """A copy of the optimiser's and the schedule's state."""
        return self.optimizer.get_state()

    def set_state(self, state: OptimState) -> None:
        """Take up a state; see :meth:`virgil.optim.Optimizer.set_state`."""
        self.optimizer.set_state(state)

    def save(self, filename: str | PathLike[str]) -> None:
        """Write the state to a safetensors file."""
        self.optimizer.save(filename)

    def load(self, filename: str | PathLike[str]) -> None:
        """Take up the state of a file."""
        self.optimizer.load(filename)


def _check_schedulers(kind: Any, options: Mapping[str, Any]) -> None:
    for each in options.get("schedulers", ()):
        if isinstance(each, torch.optim.lr_scheduler.LRScheduler) or not callable(each):
            raise ArgumentError(
                f"{kind.__name__} got {shown(each)} among its schedulers; it takes functions from a torch "
                "optimiser to a "
                "scheduler, such as functools.partial(torch.optim.lr_scheduler.StepLR, step_size=3), because the "
                "optimiser is made when the first parameter appears."
            )


def _try(
    kind: type[torch.optim.Optimizer], args: Mapping[str, Any], scheduler: Any, options: Mapping[str, Any]
) -> None:
    """Make the scheduler once for a parameter of no program, so that a wrong option is an error at once."""
    copies: dict[str, Any] = {key: each.clone() if isinstance(each, Tensor) else each for key, each in args.items()}
    try:
        Schedule(scheduler, options).attach(kind([torch.zeros(1, 1)], **copies))
    except (ValueError, TypeError, KeyError) as error:
        raise ArgumentError(f"{scheduler.__name__} got options {shown(dict(options))}: {error}.") from None
