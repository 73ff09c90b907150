"""Settings by name: ``settings.get``, ``settings.set``, ``settings.context``.

``set`` changes a setting for the whole process, ``context`` for a block of the running thread alone. A package that
stands on Virgil may ``register`` an attribute of its own as a setting; such a one is of the process in a context too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from operator import attrgetter
from typing import Any

from virgil.errors import ArgumentError, a_kind, did_you_mean, shown

__all__ = ["context", "get", "register", "set"]

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
Validator = Callable[[Any], None]


@dataclass(frozen=True)
class _Attribute:
    """A registered setting: an attribute of a module, or of what is in it."""

    module: str
    path: str
    validator: Validator | None

    def get(self) -> Any:
        return attrgetter(self.path)(import_module(self.module))

    def check(self, value: Any) -> None:
        if self.validator is not None:
            self.validator(value)

    def set(self, value: Any) -> None:
        home, _, name = self.path.rpartition(".")
        module = import_module(self.module)
        setattr(attrgetter(home)(module) if home else module, name, value)


_registered: dict[str, _Attribute] = {}


def register(
    alias: str, modulename: str, deepname: str, validator: Validator | None = None
) -> Callable[[Validator], Validator]:
    """Make an attribute of a module a setting.

    Args:
        alias: the setting's name, an identifier.
        modulename: the module, usually ``__name__``.
        deepname: the attribute, dotted where it is that of a class: ``MAXIMUM`` or ``Solver.maximum``.
        validator: a function that raises where a value cannot be set.

    Returns:
        A decorator, by which the validator may be given as well.

    Raises:
        ArgumentError: no identifier, or the name of another setting.

    Example:
        >>> import reprlib
        >>> @register("shown_entries", "reprlib", "aRepr.maxlist")
        ... def one_at_least(value):
        ...     if value < 1:
        ...         raise ValueError("A list shows an entry at least.")
        >>> with context(shown_entries=2):
        ...     reprlib.repr([1, 2, 3])
        '[1, 2, ...]'
        >>> del _registered["shown_entries"]
    """
    known = _registered.get(alias)
    if not alias.isidentifier() or alias in _values or (known and (known.module, known.path) != (modulename, deepname)):
        raise ArgumentError(f"register() got the name {alias!r}; it takes an identifier that names no other setting.")
    _registered[alias] = _Attribute(modulename, deepname, validator)
    return partial(_give_validator, alias)


def _give_validator(name: str, validator: Validator) -> Validator:
    known = _registered[name]
    _registered[name] = _Attribute(known.module, known.path, validator)
    return validator


def get(name: str | None = None) -> Any:
    """The value of one setting in this thread, or a dict of all.

    >>> get("validate")
    True
    """
    changed = _thread.values
    if name is None:
        return {**_values, **changed, **{name: each.get() for name, each in _registered.items()}}
    if name in _registered:
        return _registered[name].get()
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
        if name in _registered:
            _registered[name].set(value)
        else:
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
    attributes = {name: _registered[name].get() for name in settings if name in _registered}
    own = {name: value for name, value in settings.items() if name not in attributes}
    changed = _thread.values
    before = {name: changed[name] for name in own if name in changed}
    changed.update(own)
    for name in attributes:
        _registered[name].set(settings[name])
    try:
        yield
    finally:
        for name in own:
            del changed[name]
        changed.update(before)
        for name, value in attributes.items():
            _registered[name].set(value)


def _unknown(name: str) -> ArgumentError:
    return ArgumentError(f"There is no setting {name!r}. {did_you_mean(name, [*_values, *_registered])}")


def _check(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        if name in _registered:
            _registered[name].check(value)
            continue
        if name not in _values:
            raise _unknown(name)
        expected = type(_values[name])
        if type(value) is not expected:
            raise ArgumentError(
                f"Setting {name!r} got {shown(value)}, {a_kind(type(value))}; it takes {a_kind(expected)}."
            )
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ArgumentError(
                f"Setting {name!r} got {value!r}; it takes {' or '.join(map(repr, _CHOICES[name]))}. "
                f"{did_you_mean(value, _CHOICES[name])}"
            )
