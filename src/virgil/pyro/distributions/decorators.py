"""Decorators of classes and methods that old programs import from their distributions."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["copy_docs_from", "weakmethod"]

_Class = TypeVar("_Class", bound=type)


def copy_docs_from(source_class: type, full_text: bool = False) -> Callable[[_Class], _Class]:
    """A decorator that gives a class, and its methods, the documentation of another class where they have none.

    Args:
        source_class: the class that has the documentation.
        full_text: True to copy its text; otherwise a reference to it is written.
    """

    def document(destination: _Class) -> _Class:
        _document(destination, source_class, source_class.__qualname__, full_text)
        for name, member in vars(destination).items():
            if callable(member) and not name.startswith("_"):
                source = getattr(source_class, name, None)
                _document(member, source, f"{source_class.__qualname__}.{name}", full_text)
        return destination

    return document


def _document(destination: Any, source: Any, name: str, full_text: bool) -> None:
    text = getattr(source, "__doc__", None)
    if text and not getattr(destination, "__doc__", None):
        destination.__doc__ = text if full_text else f"See :class:`{source.__module__}.{name}`."


class weakmethod:
    """A decorator by which a bound method holds its object weakly, so that storing it in the object makes no cycle.

    Raises:
        ReferenceError: the method is called when its object is gone.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        functools.update_wrapper(self, fn)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., Any]:
        if instance is None:
            return self._fn
        owned = weakref.ref(instance)

        @functools.wraps(self._fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            alive = owned()
            if alive is None:
                raise ReferenceError(f"The object of {self._fn.__qualname__} is gone.")
            return self._fn(alive, *args, **kwargs)

        return call
