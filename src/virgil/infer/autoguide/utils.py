"""Functions for writing guides, under the path from which programs import them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil.errors import ArgumentError
from virgil.nn import PyroModule
from virgil.poutine.site import Site

__all__ = ["deep_getattr", "deep_setattr", "helpful_support_errors"]


def deep_getattr(obj: Any, name: str) -> Any:
    """The attribute that a dotted name leads to, ``obj.a.b`` for ``"a.b"``."""
    for part in name.split("."):
        obj = getattr(obj, part)
    return obj


def deep_setattr(obj: Any, name: str, value: Any) -> None:
    """Set the attribute that a dotted name leads to; a :class:`PyroModule` is made for each part that is not there.

    Example:
        >>> import torch
        >>> from virgil.nn import PyroModule, PyroParam
        >>> guide = PyroModule()
        >>> deep_setattr(guide, "locs.layer1.weight", PyroParam(torch.zeros(2)))
        >>> deep_getattr(guide, "locs.layer1.weight").tolist(), list(guide.state_dict())
        ([0.0, 0.0], ['locs.layer1.weight_unconstrained'])
    """
    *above, last = name.split(".")
    for part in above:
        if not hasattr(obj, part):
            setattr(obj, part, PyroModule())
        obj = getattr(obj, part)
    setattr(obj, last, value)


@contextmanager
def helpful_support_errors(site: Site, raising: bool = True) -> Iterator[None]:
    """A block in which a bijection onto a site's support is looked for; an error there names the site.

    Raises:
        ArgumentError: there is none.
    """
    try:
        yield
    except NotImplementedError as error:
        if not raising:
            raise
        raise ArgumentError(
            f"At site {site['name']!r}, no bijection from real vectors onto the support {site['fn'].support} of "
            f"{type(site['fn']).__name__} is known: {error}. Register one by "
            "virgil.distributions.biject_to.register(...), or give the site a guide of its own."
        ) from None
