"""The switch that says when distributions validate their arguments and values.

They do, everywhere, except inside :func:`unchecked`, which an SVI step enters once the structure of its programs has
been checked. The answer is per thread: one thread's fast step does not turn off another's checks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

from torch.overrides import TorchFunctionMode

from virgil import settings
from virgil.ops.all_true import asks

__all__ = [
    "SKIP_BY_SWITCH",
    "VALIDATE_BY_SWITCH",
    "checked",
    "enable_validation",
    "is_validating",
    "mode",
    "resolve_validation",
    "unchecked",
    "unchecked_by_torch",
    "validation_enabled",
]


class _Mode(threading.local):
    skip = False


mode = _Mode()
"""Of this thread: ``skip`` is true inside :func:`unchecked`. Every density asks, so it is read without a call."""


class _BySwitch(int):
    """An answer of the switch, which identity tells from a constructor's argument.

    torch's ``expand`` copies ``_validate_args`` from the old instance to the new; today's answer of a per-thread
    switch must not become the new instance's own choice by that.
    """


VALIDATE_BY_SWITCH, SKIP_BY_SWITCH = cast(bool, _BySwitch(True)), cast(bool, _BySwitch(False))


def is_validating() -> bool:
    """True where a distribution made now validates its arguments."""
    return not mode.skip and settings.get("validate")


def resolve_validation(validate_args: bool | None) -> bool:
    """The argument for a torch constructor that builds inner torch distributions, which do not ask our switch."""
    if validate_args is not None:
        return validate_args
    return VALIDATE_BY_SWITCH if is_validating() else SKIP_BY_SWITCH


class _Skipping:
    """A block in which distributions of this thread skip validation, or do not. Every step enters one."""

    __slots__ = ("_before", "_skips")

    def __init__(self, skips: bool) -> None:
        self._skips = skips

    def __enter__(self) -> None:
        self._before, mode.skip = mode.skip, self._skips

    def __exit__(self, *exc_info: object) -> None:
        mode.skip = self._before


def unchecked() -> AbstractContextManager[None]:
    """A block in which distributions of this thread skip validation."""
    return _Skipping(True)


def checked() -> AbstractContextManager[None]:
    """A block in which they validate again, inside an outer ``unchecked``."""
    return _Skipping(False)


class _Trusting(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return True if asks(func, args, kwargs) else func(*args, **(kwargs or {}))


def unchecked_by_torch() -> AbstractContextManager[object]:
    """A block in which torch's own distributions, which do not ask :func:`is_validating`, find all values valid.

    Those are the ones that a program states, and those inside some families. A tensor that is being traced has no value
    to look at. The block costs time at every operation, so it is for tracing alone.
    """
    return _Trusting()


def enable_validation(is_validate: bool = True) -> None:
    """Turn the validation of programs, arguments and values on or off, for the whole process."""
    settings.set(validate=bool(is_validate))


def validation_enabled(is_validate: bool = True) -> AbstractContextManager[None]:
    """A block of this thread in which programs, arguments and values are validated, or are not."""
    return settings.context(validate=bool(is_validate))
