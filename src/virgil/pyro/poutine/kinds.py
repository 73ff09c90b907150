"""The classes of old programs, of which Virgil's own handlers count as instances."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

__all__ = ["Kind"]


class Kind(ABCMeta):
    """The class of a class that stands for others: ``isinstance(poutine.mask(mask=True), MaskMessenger)``.

    A class names them in ``stands_for``, which its subclasses do not inherit.
    """

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or isinstance(instance, _others(cls))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return super().__subclasscheck__(subclass) or issubclass(subclass, _others(cls))


def _others(cls: type) -> tuple[type, ...]:
    others: tuple[type, ...] = cls.__dict__.get("stands_for", ())
    return others
