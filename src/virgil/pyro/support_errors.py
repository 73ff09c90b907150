"""The error about a support onto which no bijection is known, with the name of its site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.site import Site

__all__ = ["helpful_support_errors"]


@contextmanager
def helpful_support_errors(site: Site | Mapping[str, Any], raising: bool = True) -> Iterator[None]:
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
