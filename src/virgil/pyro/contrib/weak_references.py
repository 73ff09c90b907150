"""A search for weak references, which vanish when an object is copied or pickled."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from virgil.errors import ArgumentError

__all__ = ["check_no_weakref"]

_WEAK = (weakref.ref, *weakref.ProxyTypes)


def check_no_weakref(obj: Any, path: str = "", avoid_ids: set[int] | None = None) -> None:
    """Look for weak references in an object, its attributes and the entries of containers.

    Args:
        obj: the object.
        path: its name, for the error.
        avoid_ids: ``id()`` of objects that are not looked into.

    Raises:
        ArgumentError: there is one; the error says where.
    """
    avoid = set() if avoid_ids is None else set(avoid_ids)
    todo: list[tuple[Any, str]] = [(obj, path)]
    kept = []  # so that no new object gets the id of one that has been looked at
    while todo:
        each, where = todo.pop()
        if type(each) in _WEAK or isinstance(each, weakref.ref):
            raise ArgumentError(f"Weakref found at {where}")
        if id(each) in avoid:
            continue
        avoid.add(id(each))
        kept.append(each)
        todo.extend((part, f"{where}[{key}]") for key, part in _parts(each))


def _parts(obj: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(obj, str | bytes | type):
        return
    if isinstance(obj, dict):
        yield from obj.items()
    elif isinstance(obj, list | tuple | set | frozenset):
        yield from enumerate(obj)
    yield from getattr(obj, "__dict__", {}).items()
