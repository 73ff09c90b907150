"""A torch optimiser's step without the label that torch puts on it for its profiler."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import optimizer as hooks

__all__ = ["take_step"]


def take_step(optimizer: torch.optim.Optimizer) -> None:
    """``optimizer.step()``; where nobody watches an optimiser of torch's, the step inside torch's wrapper.

    The wrapper calls hooks and opens a label for the profiler, which takes longer than Adam's step of a small model.
    """
    step: Any = type(optimizer).step
    inner = getattr(step, "__wrapped__", None)
    if inner is None or type(optimizer).__module__.split(".")[:2] != ["torch", "optim"] or _is_watched(optimizer):
        optimizer.step()
    else:
        inner(optimizer)


def _is_watched(optimizer: Any) -> bool:
    """Whether a profiler runs, hooks are registered, or a scheduler has put a wrapper of its own around the step."""
    return bool(
        torch.autograd._profiler_enabled()  # type: ignore[attr-defined]
        or "step" in vars(optimizer)
        or optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or hooks._global_optimizer_pre_hooks
        or hooks._global_optimizer_post_hooks
    )
