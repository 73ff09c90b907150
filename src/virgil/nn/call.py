"""State for the length of a module's call: each attribute is read once, and its value shared."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import nn

__all__ = ["Family", "Values", "call_of", "calls", "isolated", "noting", "pyro_method"]

Function = TypeVar("Function", bound=Callable[..., Any])
Values = dict[str, Any]


class Family:
    """The object that a module and the modules inside it have in common; a copy of them is a family of its own."""

    __slots__ = ()


class _Calls(threading.local):
    """The calls that are under way in this thread: by family, what has been read, by full name."""

    def __init__(self) -> None:
        self.open: dict[Family, Values] = {}
        self.entered: dict[int, nn.Module] | None = None  # where to note modules whose methods are called
        self.making = 0  # modules whose constructors run: what these read is no statement of a program


calls = _Calls()


@contextmanager
def call_of(family: Family) -> Iterator[Values]:
    """A block in which values are shared: a call of a family's own, or the one that is under way."""
    under_way = calls.open
    if family in under_way:
        yield under_way[family]
        return
    values = under_way[family] = {}
    try:
        yield values
    finally:
        del under_way[family]


@contextmanager
def isolated() -> Iterator[None]:
    """A block that begins as if no call were under way: for a program that is run inside another's call."""
    before, calls.open = calls.open, {}
    try:
        yield
    finally:
        calls.open = before


@contextmanager
def noting(modules: dict[int, nn.Module]) -> Iterator[None]:
    """A block that notes by id, in ``modules``, every module of which a ``pyro_method`` is called."""
    before, calls.entered = calls.entered, modules
    try:
        yield
    finally:
        calls.entered = before


def pyro_method(fn: Function) -> Function:
    """Let a method of a ``PyroModule`` share what it reads, as a call of the module does.

    Example:
        >>> import virgil.distributions as dist
        >>> from virgil.nn import PyroModule, PyroSample, pyro_method
        >>> class Noise(PyroModule):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.scale = PyroSample(dist.HalfNormal(1.0))
        ...     @pyro_method
        ...     def read_twice(self):
        ...         return self.scale, self.scale
        >>> first, second = Noise().read_twice()
        >>> first is second
        True
    """

    @functools.wraps(fn)
    def inside(self: Any, *args: Any, **kwargs: Any) -> Any:
        if calls.entered is not None:
            calls.entered[id(self)] = self
        with call_of(self._pyro_family):
            return fn(self, *args, **kwargs)

    return inside  # type: ignore[return-value]
