"""Torch's learning-rate schedulers by their names.

``ExponentialLR({"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, "gamma": 0.9})``
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol

from torch.optim import lr_scheduler

from virgil.optim.options import OptimArgs, given_options
from virgil.optim.scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


class NamedScheduler(Protocol):
    """A function that makes an optimiser with a scheduler of one class from its options."""

    def __call__(
        self, optim_args: Mapping[str, Any] | None = None, clip_args: OptimArgs | None = None, **options: Any
    ) -> LRScheduler:
        """Make the optimiser; see :class:`virgil.optim.LRScheduler` for the options, in a dict or by keywords."""
        ...


def _named(kind: Any) -> NamedScheduler:
    def make(
        optim_args: Mapping[str, Any] | None = None, clip_args: OptimArgs | None = None, **options: Any
    ) -> LRScheduler:
        return LRScheduler(kind, given_options(kind.__name__, optim_args, options), clip_args)

    options = [name for name in inspect.signature(kind).parameters if name != "optimizer"]
    make.__name__ = make.__qualname__ = kind.__name__
    make.__doc__ = (
        f"``torch.optim.lr_scheduler.{kind.__name__}`` by name; see :class:`virgil.optim.LRScheduler`.\n\n"
        f"    Options: optimizer, optim_args, {', '.join(options)}.\n    "
    )
    return make


ChainedScheduler = _named(lr_scheduler.ChainedScheduler)
ConstantLR = _named(lr_scheduler.ConstantLR)
CosineAnnealingLR = _named(lr_scheduler.CosineAnnealingLR)
CosineAnnealingWarmRestarts = _named(lr_scheduler.CosineAnnealingWarmRestarts)
CyclicLR = _named(lr_scheduler.CyclicLR)
ExponentialLR = _named(lr_scheduler.ExponentialLR)
LambdaLR = _named(lr_scheduler.LambdaLR)
LinearLR = _named(lr_scheduler.LinearLR)
MultiStepLR = _named(lr_scheduler.MultiStepLR)
MultiplicativeLR = _named(lr_scheduler.MultiplicativeLR)
OneCycleLR = _named(lr_scheduler.OneCycleLR)
PolynomialLR = _named(lr_scheduler.PolynomialLR)
ReduceLROnPlateau = _named(lr_scheduler.ReduceLROnPlateau)
SequentialLR = _named(lr_scheduler.SequentialLR)
StepLR = _named(lr_scheduler.StepLR)
