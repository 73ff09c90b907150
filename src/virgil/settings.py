"""Settings by name: ``settings.get``, ``settings.set``, ``settings.context``.

``set`` changes a setting for the whole process, ``context`` for a block of the running thread alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil.errors import ArgumentError, did_you_mean, shown

__all__ = ["context", "get", "set"]

_values: dict[str, Any] = {  # of the process
    "validate": True,  # checks of programs, arguments and values
    "progress": True,  # progress bars, where standard error is a terminal
    "module_local_params": True,  # for programs that ask; a module owns its parameters in either case
    "mismatch": "error",  # of model and guide, where what is computed is well defined all the same: "error" or "warn"
}
_CHOICES: dict[str, tuple[str, ...]] = {"mismatch": ("error", "warn")}


class _Thread(threading.local):
    """The settings that the contexts of a thread have changed. They precede those of the process."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}


_thread = _Thread()


def get(name: str | None = None) -> Any:
    """The value of one setting in this thread, or a dict of all.

    >>> get("validate")
    True
    """
    changed = _thread.values
    if name is None:
        return {**_values, **changed}
    if name in changed:
        return changed[name]
    if name not in _values:
        raise _unknown(name)
    return _values[name]


def set(**settings: Any) -> None:
    """Change settings of the process; nothing is changed if any name or type is wrong.

    Inside a :func:`context` that has changed the same setting, the change is this thread's and ends with the context.

    Raises:
        ArgumentError: an unknown name, a value of another type than the present one, or one that cannot be.
    """
    _check(settings)
    for name, value in settings.items():
        changed = _thread.values if name in _thread.values else _values
        changed[name] = value


@contextmanager
def context(**settings: Any) -> Iterator[None]:
    """Change settings of this thread inside a ``with`` block and put them back after it.

    Other threads, those that are started inside the block among them, keep the settings of the process.

    Raises:
        ArgumentError: as for :func:`set`.
    """
    _check(settings)
    changed = _thread.values
    before = {name: changed[name] for name in settings if name in changed}
    changed.update(settings)
    try:
        yield
    finally:
        for name in settings:
            del changed[name]
        changed.update(before)


def _unknown(name: str) -> ArgumentError:
    return ArgumentError(f"There is no setting {name!r}. {did_you_mean(name, _values)}")


def _check(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        if name not in _values:
            raise _unknown(name)
        expected = type(_values[name])
        if type(value) is not expected:
            raise ArgumentError(
                f"Setting {name!r} got {shown(value)}, a {type(value).__name__}; it takes a {expected.__name__}."
            )
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ArgumentError(
                f"Setting {name!r} got {value!r}; it takes {' or '.join(map(repr, _CHOICES[name]))}. "
                f"{did_you_mean(value, _CHOICES[name])}"
            )
