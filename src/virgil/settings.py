"""Global settings by name: ``settings.get``, ``settings.set``, ``settings.context``.

They are the few choices that hold for a whole process. A setting of another thread is the same setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil.errors import ArgumentError, did_you_mean

__all__ = ["context", "get", "set"]

# name -> (value, type); the only mutable state of this file
_values: dict[str, Any] = {
    "validate": True,  # checks of programs, arguments and values
    "progress": True,  # progress bars, where standard error is a terminal
    "module_local_params": True,  # a module owns its parameters; programs ask for it, and there is no other way
}
_ALWAYS_ON = frozenset({"module_local_params"})


def _check(name: str) -> None:
    if name not in _values:
        raise ArgumentError(f"There is no setting {name!r}. {did_you_mean(name, _values)}")


def get(name: str | None = None) -> Any:
    """The value of one setting, or a dict of all.

    >>> get("validate")
    True
    """
    if name is None:
        return dict(_values)
    _check(name)
    return _values[name]


def set(**settings: Any) -> None:
    """Change settings; nothing is changed if any name or type is wrong.

    Raises:
        ArgumentError: an unknown name, a value of another type than the present one, or one that cannot be.
    """
    for name, value in settings.items():
        _check(name)
        expected = type(_values[name])
        if type(value) is not expected:
            raise ArgumentError(
                f"Setting {name!r} got {value!r}, a {type(value).__name__}; it takes a {expected.__name__}."
            )
        if name in _ALWAYS_ON and value is not True:
            raise ArgumentError(
                f"Setting {name!r} got False. A module always owns its parameters, and the store in use holds the same "
                "tensors by name. Leave the setting out."
            )
    _values.update(settings)


@contextmanager
def context(**settings: Any) -> Iterator[None]:
    """Change settings inside a ``with`` block and put them back after it."""
    before = dict(_values)
    set(**settings)
    try:
        yield
    finally:
        _values.update({name: before[name] for name in settings})
