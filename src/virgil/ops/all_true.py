"""The test that all elements of a condition are true, by which torch's distributions check values.

The function for it has a private name. A version of torch without it calls ``Tensor.all``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["all_true", "asks"]

_ASKING = ("torch.distributions.", __name__)


def all_true(condition: Tensor) -> bool:
    """Return ``True`` if all elements are true. A tensor that is being traced has no values and passes."""
    is_traced: Callable[[Tensor], bool] | None = getattr(torch, "_is_functional_tensor", None)
    if is_traced is not None and is_traced(condition):
        return True
    ask: Callable[[Tensor], Tensor] | None = getattr(torch, "_is_all_true", None)
    return bool(condition.all() if ask is None else ask(condition))


def asks(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> bool:
    """Return ``True`` if a call that a mode's ``__torch_function__`` sees is this test.

    Some constraints of torch's ask it by ``Tensor.all`` too.
    """
    if func is Tensor.all and len(args) == 1 and not kwargs:
        return _caller().startswith(_ASKING)
    return func is getattr(torch, "_is_all_true", asks)


def _caller() -> str:
    """The name of the module that makes the call which the modes see."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_name == "__torch_function__":
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))
