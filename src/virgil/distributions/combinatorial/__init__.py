"""Families of matchings and of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "OneOneMatching",
    "OneTwoMatching",
    "SpanningTree",
]

if TYPE_CHECKING:
    from virgil.distributions.combinatorial.one_one_matching import OneOneMatching
    from virgil.distributions.combinatorial.one_two_matching import OneTwoMatching
    from virgil.distributions.combinatorial.spanning_tree import SpanningTree
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
