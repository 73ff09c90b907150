"""The way of a site through neighbouring handlers that consist of two halves: a loop, and no calls in calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from virgil.poutine.site import Site

__all__ = ["Before", "Outer", "Pair", "Passage", "in_halves", "in_pairs"]

Outer = Callable[[Site], Site]


class Passage(NamedTuple):
    """A site with more than a change of it, which the ``before`` of a handler may return in the place of the site.

    Attributes:
        site: as it goes on outward.
        back: what is done to the finished site on its way back.
        is_finished: whether the site is finished already, so that those outside do not see it.
    """

    site: Site
    back: Outer | None = None
    is_finished: bool = False


Before = Callable[[Site], Site | Passage]
Pair = tuple[Before | None, Outer | None]  # the ``before`` and the ``after`` of a handler


def in_halves(
    befores: tuple[Callable[[Site], Site], ...], afters: tuple[Callable[[Site], Site], ...], beyond: Outer
) -> Outer:
    """The way of a site through handlers that consist of halves."""

    def passed(site: Site) -> Site:
        for before in befores:
            site = before(site)
        site = beyond(site)
        for after in afters:
            site = after(site)
        return site

    return passed


def in_pairs(pairs: tuple[Pair, ...], beyond: Outer) -> Outer:
    """The same where some may end the way of a site, or remember something until it comes back."""

    def passed(site: Site) -> Site:
        backs: list[Outer] = []
        for before, after in pairs:
            if after is not None:
                backs.append(after)
            if before is not None:
                came = before(site)
                if type(came) is not Passage:
                    site = came  # type: ignore[assignment]
                    continue
                site, back, is_finished = came
                if back is not None:
                    backs.append(back)
                if is_finished:
                    break
        else:
            site = beyond(site)
        while backs:
            site = backs.pop()(site)
        return site

    return passed
