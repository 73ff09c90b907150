"""The keys that a guide's parameters have in files of other programs: ``locs.x_unconstrained`` for ``locs.x``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["SUFFIX", "shorten"]

SUFFIX = "_unconstrained"


def shorten(state: dict[str, Any], prefix: str, known: Iterable[str], into: str = "") -> None:
    """Give entries of a state the keys of today, in place, if all of those that are meant have the former ones.

    Args:
        state: a state dict that is about to be loaded.
        prefix: with which the keys that are meant begin.
        known: the names of today, if they are known, after the prefix; none are changed then where one of them is in
            the state.
        into: what stands between the prefix and a name of today.
    """
    meant = [key for key in state if key.startswith(prefix)]
    names = set(known)
    if not meant or not all(key.endswith(SUFFIX) for key in meant):
        return
    if names and any(key[len(prefix) :] in names for key in meant):
        return
    for key in meant:
        state[f"{prefix}{into}{key[len(prefix) : -len(SUFFIX)]}"] = state.pop(key)
