"""Two functions that programs import from ``util``, a path that existing programs know."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from virgil.ops.warning_filter import ignoring

__all__ = ["ignore_jit_warnings", "warn_if_nan"]

Value = TypeVar("Value", Tensor, float)


@contextmanager
def ignore_jit_warnings() -> Iterator[None]:
    """A block, or by ``@ignore_jit_warnings()`` a function, in which ``torch.jit.trace`` does not warn.

    The tracer warns where a tensor becomes a Python value; an assertion about a shape is harmless.

    Example:
        >>> import torch
        >>> def double(x):
        ...     with ignore_jit_warnings():
        ...         if not bool(x.sum() > 0):
        ...             raise ValueError("nothing to double")
        ...     return 2 * x
        >>> double(torch.ones(2))
        tensor([2., 2.])
    """
    with ignoring(torch.jit.TracerWarning):  # type: ignore[attr-defined]
        yield


def warn_if_nan(value: Value, msg: str = "") -> Value:
    """Warn if a value is NaN anywhere; if it is a tensor with a gradient, also when a NaN gradient comes back to it.

    Args:
        value: a tensor or a number.
        msg: where it came up, for the warning, such as "in the loss".

    Returns:
        ``value`` itself.
    """
    what = f" {msg}" if msg else ""
    if not isinstance(value, Tensor):
        if value != value:
            _warn(f"Encountered NaN{what}: {value}")
        return value
    if bool(torch.isnan(value).any()):
        _warn(f"Encountered NaN{what} in a tensor of shape {tuple(value.shape)}")
    if value.requires_grad:
        value.register_hook(lambda gradient: _check_gradient(gradient, what))
    return value


def _check_gradient(gradient: Tensor, what: str) -> None:
    if bool(torch.isnan(gradient).any()):
        _warn(f"Encountered a NaN gradient{what} in a tensor of shape {tuple(gradient.shape)}")


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)
