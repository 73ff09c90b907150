"""Torch's optimisers and schedulers by their names, as functions that make a ``PyroOptim``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import lr_scheduler

from virgil.optim import optimizers_by_name, schedulers_by_name
from virgil.optim.options import given_options
from virgil.pyro.optim.lr_scheduler import PyroLRScheduler
from virgil.pyro.optim.optim import PyroOptim

_OWN = ("AdagradRMSProp", "ClippedAdam", "DCTAdam", "LBFGS")
_OPTIMIZERS = [name for name in optimizers_by_name.__all__ if name not in _OWN]
_SCHEDULERS = ["LRScheduler", "_LRScheduler", *schedulers_by_name.__all__]

__all__ = sorted([*_OPTIMIZERS, *_SCHEDULERS])  # noqa: PLE0605  (names of lists of names)


def _named(name: str, kind: Any, wrap: Callable[[Any, Any, Any], PyroOptim]) -> Callable[..., PyroOptim]:
    def make(optim_args: Any = None, clip_args: Any = None, **options: Any) -> PyroOptim:
        return wrap(kind, given_options(name, optim_args, options), clip_args)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"``torch.optim``'s {name} as a :class:`{wrap.__name__}`, which says how the options are given."
    return make


for _name in _OPTIMIZERS:
    globals()[_name] = _named(_name, getattr(torch.optim, _name), PyroOptim)
for _name in _SCHEDULERS:
    _kind = getattr(lr_scheduler, _name.removeprefix("_"))
    globals()[_name] = _named(_name, _kind, PyroLRScheduler)
