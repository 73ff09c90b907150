"""Python values by what a captured step has seen of them: two that are equal here give the same step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from torch import Tensor

__all__ = ["Same", "seen"]

_ATOMS = frozenset({bool, int, str, bytes, type(None)})  # of which the type and the value are all there is
_CONTAINERS = frozenset({dict, OrderedDict, list, set})  # not plain, as most attributes of a module
_PLAIN = (bool, int, float, complex, str, bytes, type(None), Tensor)
_IDENTITY: Any = object.__eq__


@dataclass(frozen=True, slots=True, eq=False)
class Same:
    """A thing by its identity, which cannot pass to another one as it is kept alive."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def seen(value: Any) -> Hashable:
    """A key that two values share if they are the same: type and value, or identity and plain attributes.

    A tensor here is one that a step has baked in.
    """
    if type(value) in _ATOMS:
        return type(value), value
    if isinstance(value, Tensor):
        return Same(value), None if value.requires_grad else value._version  # what is learnt changes with each step
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(seen, value))
    if isinstance(value, float):
        return float, repr(value)  # NaN is NaN, and 0.0 is not -0.0
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(seen(getattr(value, each.name)) for each in fields(value))
    if _compares(value):
        return type(value), value
    attributes = getattr(value, "__dict__", {}).items()
    return Same(value), tuple((name, seen(each)) for name, each in attributes if _is_plain(each) or is_dataclass(each))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _ATOMS or kind in _CONTAINERS:
        return kind in _ATOMS
    return all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, _PLAIN)


def _compares(value: Any) -> bool:
    """True if equality says more than identity, and hash goes with it."""
    kind: Any = type(value)
    return kind.__eq__ is not _IDENTITY and kind.__hash__ is not None
