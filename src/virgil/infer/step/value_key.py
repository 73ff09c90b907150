"""Keys of Python values: so much of what a captured step reads of them as is seen at a glance."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from torch import Tensor

__all__ = ["Identity", "value_key"]

_ATOMS = frozenset({bool, int, str, bytes, type(None)})  # of which the type and the value are all there is
_CONTAINERS = frozenset({dict, OrderedDict, list, set})  # not plain, as most attributes of a module
_PLAIN = (bool, int, float, complex, str, bytes, type(None), Tensor)
_IDENTITY: Any = object.__eq__


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A thing by its identity, which cannot pass to another one as it is kept alive."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def value_key(value: Any) -> Hashable:
    """A key that two values share if they are the same: type and value, or identity and plain attributes.

    A tensor is known by its identity: an engine reads it where it lies.
    """
    if type(value) in _ATOMS:
        return type(value), value
    if isinstance(value, Tensor):
        return Identity(value), value.requires_grad
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(value_key, value))
    if isinstance(value, float):
        return float, repr(value)  # NaN is NaN, and 0.0 is not -0.0
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(value_key(getattr(value, each.name)) for each in fields(value))
    if _compares(value):
        return type(value), value
    keys = ((name, _attribute(each)) for name, each in getattr(value, "__dict__", {}).items())
    return Identity(value), tuple((name, key) for name, key in keys if key is not None)


def _attribute(value: Any) -> Hashable | None:
    """The key of an attribute that is plain, or a record of plain things and others; ``None`` for one of the others."""
    if _is_plain(value):
        return value_key(value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, each.name) for each in fields(value)]
        return tuple([value_key(each) if _is_plain(each) else Identity(each) for each in parts])
    return None


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _ATOMS or kind in _CONTAINERS:
        return kind in _ATOMS
    return all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, _PLAIN)


def _compares(value: Any) -> bool:
    """True if equality says more than identity, and hash goes with it."""
    kind: Any = type(value)
    return kind.__eq__ is not _IDENTITY and kind.__hash__ is not None
