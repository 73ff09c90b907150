"""``Problem``: what a program hands to an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["STEPS", "Problem"]

STEPS = 1_000  # of a first fit


@dataclass(frozen=True)
class Problem:
    """Model and guide, with what a fit of them needs.

    Attributes:
        model: a program of some language.
        guide: likewise.
        args: what both are called with.
        rate: Adam's learning rate.
        nesting: the number of plates' dims, where discrete variables are summed out; ``None`` where none are.
    """

    model: Callable[..., Any]
    guide: Callable[..., Any]
    args: tuple[Any, ...]
    rate: float = 0.01
    nesting: int | None = None
