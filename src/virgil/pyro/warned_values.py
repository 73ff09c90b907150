"""Questions about NaN and infinity that old programs ask of tensors and numbers alike, and warnings about them."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["torch_float", "torch_isinf", "torch_isnan", "warn_if_inf", "warn_if_nan"]

Value = TypeVar("Value", Tensor, float)


def torch_float(x: Tensor | float) -> Tensor | float:
    """A tensor or a number as one of floating point."""
    return x.float() if isinstance(x, Tensor) else float(x)


def torch_isnan(x: Tensor | float) -> Tensor | bool:
    """True if a tensor or a number is NaN anywhere; for a tensor, as a tensor.

    >>> torch_isnan(float("nan")), torch_isnan(torch.ones(2))
    (True, tensor(False))
    """
    return torch.isnan(x).any() if isinstance(x, Tensor) else x != x


def torch_isinf(x: Tensor | float) -> Tensor | bool:
    """True if a tensor or a number is infinite anywhere; for a tensor, as a tensor.

    >>> torch_isinf(1.0), torch_isinf(torch.tensor([1.0, -float("inf")]))
    (False, tensor(True))
    """
    return torch.isinf(x).any() if isinstance(x, Tensor) else math.isinf(x)


def warn_if_nan(value: Value, msg: str = "", *, filename: str | None = None, lineno: int | None = None) -> Value:
    """Warn if a value is NaN anywhere; if it is a tensor with a gradient, also when a NaN gradient comes back to it.

    Args:
        value: a tensor or a number.
        msg: where it came up, for the warning, such as "in the loss".
        filename: the file that the warning names. Default: the caller's.
        lineno: the line in it. Default: the caller's.

    Returns:
        ``value`` itself.
    """
    return _watched(value, msg, _place(filename, lineno), {"NaN": torch.isnan})


def warn_if_inf(
    value: Value,
    msg: str = "",
    allow_posinf: bool = False,
    allow_neginf: bool = False,
    *,
    filename: str | None = None,
    lineno: int | None = None,
) -> Value:
    """Warn if a value is infinite anywhere; if it is a tensor with a gradient, also when such a gradient comes back.

    Args:
        value: a tensor or a number.
        msg: where it came up, for the warning, such as "in the loss".
        allow_posinf: say nothing about plus infinity.
        allow_neginf: say nothing about minus infinity.
        filename: the file that the warning names. Default: the caller's.
        lineno: the line in it. Default: the caller's.

    Returns:
        ``value`` itself.
    """
    found: dict[str, _Test] = {}
    if not allow_posinf:
        found["+inf"] = lambda entries: entries == math.inf
    if not allow_neginf:
        found["-inf"] = lambda entries: entries == -math.inf
    return _watched(value, msg, _place(filename, lineno), found)


_Test = Callable[[Tensor], Tensor]
_Place = tuple[str, int]


def _place(filename: str | None, lineno: int | None) -> _Place:
    caller = sys._getframe(2)
    return filename or caller.f_code.co_filename, lineno or caller.f_lineno


def _watched(value: Value, msg: str, place: _Place, found: dict[str, _Test]) -> Value:
    _warn(value, "", msg, place, found)
    if isinstance(value, Tensor) and value.requires_grad:
        value.register_hook(lambda gradient: _warn(gradient, "gradient ", msg, place, found))
    return value


def _warn(value: Tensor | float, part: str, msg: str, place: _Place, found: dict[str, _Test]) -> None:
    entries = torch.as_tensor(value)
    shown = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"the number {value}"
    for kind, test in found.items():
        if bool(test(entries).any()):
            words = f"Encountered {kind} {part}{msg}".rstrip()
            warnings.warn_explicit(f"{words}: {shown}", UserWarning, *place)
