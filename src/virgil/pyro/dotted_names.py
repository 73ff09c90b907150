"""Attributes by dotted names, with which old programs write guides."""

from __future__ import annotations

from typing import Any

from virgil.nn import PyroModule

__all__ = ["deep_getattr", "deep_setattr"]


def deep_getattr(obj: Any, name: str) -> Any:
    """The attribute that a dotted name leads to, ``obj.a.b`` for ``"a.b"``."""
    for part in name.split("."):
        obj = getattr(obj, part)
    return obj


def deep_setattr(obj: Any, key: str, val: Any) -> None:
    """Set the attribute that a dotted name leads to; a :class:`PyroModule` is made for each part that is not there.

    Example:
        >>> import torch
        >>> from virgil.nn import PyroModule, PyroParam
        >>> guide = PyroModule()
        >>> deep_setattr(guide, "locs.layer1.weight", PyroParam(torch.zeros(2)))
        >>> deep_getattr(guide, "locs.layer1.weight").tolist(), list(guide.state_dict())
        ([0.0, 0.0], ['locs.layer1.weight_unconstrained'])
    """
    *above, last = key.split(".")
    for part in above:
        if not hasattr(obj, part):
            setattr(obj, part, PyroModule())
        obj = getattr(obj, part)
    setattr(obj, last, val)
