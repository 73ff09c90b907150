"""Distributions in few words: the family, and the support."""

from __future__ import annotations

import math
import re
from typing import Any

from torch import Tensor
from torch.distributions import constraints

__all__ = ["family", "support_words"]

_WRAPPERS = ("Independent", "MaskedDistribution", "ExpandedDistribution")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_INTERVALS = (
    constraints.greater_than,
    constraints.greater_than_eq,
    constraints.half_open_interval,
    constraints.integer_interval,
    constraints.interval,
    constraints.less_than,
    type(constraints.nonnegative_integer),
)
_JOINED = (constraints.independent, constraints.MixtureSameFamilyConstraint)


def family(fn: Any) -> str:
    """The family, without what only changes its shape."""
    while type(fn).__name__ in _WRAPPERS:
        fn = fn.base_dist
    return type(fn).__name__


def support_words(fn: Any) -> str:
    """The support of one entry, as in ``"real"``, ``"> 0"``, ``"[0, 1]"``, ``"0, 1, 2, ..."``; empty if not known."""
    if family(fn) == "Delta":
        return "a point"
    try:
        support = fn.support
    except (NotImplementedError, AttributeError, ValueError):
        return ""
    while isinstance(support, _JOINED):
        support = support.base_constraint
    if isinstance(support, type(constraints.real)):
        return "real"
    if isinstance(support, type(constraints.boolean)):
        return "0, 1"
    if isinstance(support, _INTERVALS):
        return _interval(support)
    return _WORDS.sub(" ", type(support).__name__.strip("_")).lower()


def _interval(support: Any) -> str:
    lower = _bound(getattr(support, "lower_bound", -math.inf))
    upper = _bound(getattr(support, "upper_bound", math.inf))
    if lower is None or upper is None:
        return "bounds that vary"
    is_open = isinstance(support, constraints.greater_than | constraints.less_than)
    if support.is_discrete:
        if math.isinf(upper):
            return f"{lower:g}, {lower + 1:g}, ..."
        values = [f"{lower + step:g}" for step in range(int(upper - lower) + 1)]
        return ", ".join(values if len(values) < 4 else [*values[:2], "...", values[-1]])
    if math.isinf(upper):
        return f"{'>' if is_open else '≥'} {lower:g}"
    if math.isinf(lower):
        return f"{'<' if is_open else '≤'} {upper:g}"
    return f"[{lower:g}, {upper:g}{')' if isinstance(support, constraints.half_open_interval) else ']'}"


def _bound(bound: Any) -> float | None:
    """A number, or ``None`` where it differs from entry to entry."""
    if not isinstance(bound, Tensor):
        return float(bound)
    values = bound.detach().unique()
    return float(values[0]) if values.numel() == 1 and not bool(values.isnan()) else None
