"""``PyroLRScheduler``: an optimiser with a schedule of its rates, as old programs hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virgil.optim import LRScheduler
from virgil.pyro.optim.by_parameter import ByParameter
from virgil.pyro.optim.optim import PyroOptim

__all__ = ["PyroLRScheduler"]


class PyroLRScheduler(PyroOptim, LRScheduler):  # type: ignore[misc]  # its states have the form of PyroOptim's
    """An optimiser with learning rates that follow a schedule. The user advances it by ``step()``.

    Args:
        scheduler_constructor: a class of ``torch.optim.lr_scheduler``.
        optim_args: ``{"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, ...}``, where the rest are the
            scheduler's own options.
        clip_args: as for :class:`PyroOptim`.

    Attributes:
        pt_scheduler_constructor: the scheduler's class.
        kwargs: its own options.

    Raises:
        ArgumentError: an option is missing, unknown, or wrong.
    """

    def __init__(
        self, scheduler_constructor: Any, optim_args: Mapping[str, Any], clip_args: Mapping[str, Any] | None = None
    ) -> None:
        LRScheduler.__init__(self, scheduler_constructor, optim_args, clip_args)
        options = dict(optim_args)
        self.pt_scheduler_constructor = scheduler_constructor
        self.pt_optim_constructor, self.pt_optim_args = options.pop("optimizer"), options.pop("optim_args")
        self.pt_clip_args = {} if clip_args is None else clip_args
        self.kwargs = options

    def _optimizer(self, kind: Any, args: Any, clip_args: Any) -> ByParameter:
        return ByParameter(self, kind, args, clip_args, self._schedule)

    def step(self, *args: Any, **kwargs: Any) -> None:
        """Advance the schedule by one; ``ReduceLROnPlateau`` takes the metric that it watches."""
        super().step(*args, *kwargs.values())
