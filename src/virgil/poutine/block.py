"""``block``: hide statements from the handlers outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from virgil.errors import ArgumentError
from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.runtime import Handler, Passage, installed
from virgil.poutine.site import Site
from virgil.poutine.stack import under_nothing
from virgil.poutine.trace import Tracer
from virgil.poutine.wrap import Program, wrapped

__all__ = ["AllBut", "Block", "OneOf", "block", "unrecorded", "watching_hidden"]

Choice = Callable[[Site], bool]


class _Watched(threading.local):
    """A list for the sites that are hidden in this thread; ``None`` where nobody asks for them."""

    sites: list[Site] | None = None


_watched = _Watched()


@contextmanager
def watching_hidden(sites: list[Site]) -> Iterator[None]:
    """Append to the list each site that a ``block`` hides, for the length of a ``with`` block."""
    before, _watched.sites = _watched.sites, sites
    try:
        yield
    finally:
        _watched.sites = before


def unrecorded() -> AbstractContextManager[object]:
    """A block whose statements are none of a program's that is being traced around it, nor in its plates."""
    if any(isinstance(handler, Tracer) and "sample" in handler.recorded for handler in installed()):
        return under_nothing()
    return nullcontext()


class Block(Handler):
    """Resolves a site on the spot where ``hides(site)`` is true, so that no handler outside sees it."""

    takes_turns = True

    def __init__(self, hides: Choice) -> None:
        self.hides = hides

    def before(self, site: Site) -> Site | Passage:
        """Resolve a hidden site here; pass the others on."""
        if not self.hides(site):
            return site
        finished = site.resolve()
        if _watched.sites is not None:
            _watched.sites.append(finished)
        return Passage(finished, is_finished=True)


@dataclass(frozen=True)
class OneOf:
    """Chooses sites, or messages, by name or type; a class, so that a blocked program can be pickled.

    An observed sample statement is of type ``"observe"``, and so is a deterministic value; ``"sample"`` has the others,
    and plates.
    """

    names: frozenset[str]
    types: frozenset[str]

    def __call__(self, site: Any) -> bool:
        kind = site["type"]
        if kind == "sample" and site["is_observed"] and not isinstance(site["fn"], SubsampleIndices):
            kind = "observe"
        return site["name"] in self.names or kind in self.types


@dataclass(frozen=True)
class AllBut:
    """Chooses the sites that another choice leaves out."""

    chosen: Callable[[Any], bool | None]

    def __call__(self, site: Any) -> bool:
        return not self.chosen(site)


def _hides(
    hide_fn: Choice | None,
    expose_fn: Choice | None,
    hide_all: bool,
    hide: Sequence[str] | None,
    expose: Sequence[str] | None,
    hide_types: Sequence[str] | None,
    expose_types: Sequence[str] | None,
) -> Choice:
    if hide_fn is not None:
        return hide_fn
    if expose_fn is not None:
        return AllBut(expose_fn)
    if hide is not None or hide_types is not None or (not hide_all and expose is None and expose_types is None):
        return OneOf(frozenset(hide or ()), frozenset(hide_types or ()))
    return AllBut(OneOf(frozenset(expose or ()), frozenset(expose_types or ())))


def block(
    fn: Program | None = None,
    hide_fn: Choice | None = None,
    expose_fn: Choice | None = None,
    hide_all: bool = True,
    expose_all: bool = False,
    hide: Sequence[str] | None = None,
    expose: Sequence[str] | None = None,
    hide_types: Sequence[str] | None = None,
    expose_types: Sequence[str] | None = None,
) -> Any:
    """Hide statements of a program from the handlers outside; with no choice given, all of them.

    Args:
        fn: the program; without one, the handler is returned.
        hide_fn: a site for which it is true is hidden.
        expose_fn: a site for which it is false is hidden.
        hide_all: whether all are hidden where nothing else is said; false hides none.
        expose_all: true hides none either.
        hide: names to hide.
        expose: names to show; all others are hidden.
        hide_types: types to hide, such as ``["param"]``. Latent variables and plates are of type ``"sample"``, observed
            sites and deterministic values of type ``"observe"``.
        expose_types: types to show; all others are hidden.

    Raises:
        ArgumentError: choices that contradict each other.
    """
    ways = {
        "hide_fn": hide_fn is not None,
        "expose_fn": expose_fn is not None,
        "hide/hide_types": hide is not None or hide_types is not None,
        "expose/expose_types": expose is not None or expose_types is not None,
    }
    given = [way for way, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise ArgumentError(f"block() got {' and '.join(given)}. Choose one way to say what is hidden.")
    for argument, names in (
        ("hide", hide),
        ("expose", expose),
        ("hide_types", hide_types),
        ("expose_types", expose_types),
    ):
        if isinstance(names, str):
            raise ArgumentError(f"block() got {argument}={names!r}, a single string; it takes a list, [{names!r}].")
    return wrapped(
        Block(_hides(hide_fn, expose_fn, hide_all and not expose_all, hide, expose, hide_types, expose_types)), fn
    )
