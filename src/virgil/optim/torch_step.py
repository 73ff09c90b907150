"""Torch's optimisers made and stepped without torch's wrappers, which serve its profiler and its compiler."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.optim import optimizer as hooks

__all__ = ["is_plain", "make_optimizer", "take_step"]

_without_wrappers: Callable[[Any], Any] = functools.cache(inspect.unwrap)
_KNOWN = (["torch", "optim"], ["virgil", "optim"])


def make_optimizer(kind: type[torch.optim.Optimizer], leaves: Sequence[Tensor], options: Mapping[str, Any]) -> Any:
    """Return ``kind(leaves, **options)``.

    Torch wraps ``add_param_group`` so that ``torch.compile`` passes it over. The first call of the wrapper loads the
    compiler, which takes as long as ``import torch``. While the optimiser is made it has the method without the
    wrapper.
    """
    optimizer: Any = kind.__new__(kind)
    inner = getattr(kind.add_param_group, "__wrapped__", None)
    if inner is not None:
        optimizer.__dict__["add_param_group"] = MethodType(inner, optimizer)
    optimizer.__init__(leaves, **options)
    optimizer.__dict__.pop("add_param_group", None)
    return optimizer


def take_step(optimizer: torch.optim.Optimizer) -> None:
    """Call ``optimizer.step()``, without torch's wrappers if nobody watches an optimiser of torch's or Virgil's.

    The wrappers call hooks and open a label for the profiler. This takes longer than Adam's step of a small model.
    """
    if not _is_known(type(optimizer).__module__) or _is_watched(optimizer):
        optimizer.step()
        return
    step = _without_wrappers(type(optimizer).step)
    with torch.set_grad_enabled(optimizer.defaults.get("differentiable", False)):
        step(optimizer)


def is_plain(optimizer: torch.optim.Optimizer) -> bool:
    """True if options and memory say all that a step does: for an optimiser of torch's or Virgil's without hooks."""
    return _is_known(type(optimizer).__module__) and not _has_hooks(optimizer)


@functools.cache
def _is_known(module: str) -> bool:
    return module.split(".")[:2] in _KNOWN


def _is_watched(optimizer: Any) -> bool:
    """Return ``True`` if a profiler runs, hooks are registered, or a scheduler has wrapped the step.

    If this version of torch does not tell, the answer is yes.
    """
    try:
        is_profiled = torch.autograd._profiler_enabled()  # type: ignore[attr-defined]
    except AttributeError:
        return True
    return bool(is_profiled or "step" in vars(optimizer) or _has_hooks(optimizer))


def _has_hooks(optimizer: Any) -> bool:
    try:
        return bool(
            optimizer._optimizer_step_pre_hooks
            or optimizer._optimizer_step_post_hooks
            or hooks._global_optimizer_pre_hooks
            or hooks._global_optimizer_post_hooks
        )
    except AttributeError:
        return True
