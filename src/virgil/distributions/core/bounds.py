"""Bounds of an interval, either of which may be left out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.errors import ArgumentError, shown

__all__ = ["at_most", "check_order", "given_bound", "given_bounds", "interval_between"]


def given_bound(bound: Tensor | float | None, infinity: float, like: Tensor) -> Tensor:
    """A bound as a tensor that computes with ``like``; infinity of this sign if there is none."""
    if isinstance(bound, Tensor):
        return bound
    dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    return torch.scalar_tensor(infinity if bound is None else bound, dtype=dtype, device=like.device)


def given_bounds(
    low: Tensor | float | None, high: Tensor | float | None, base_dist: td.Distribution
) -> tuple[Tensor, Tensor]:
    """Both bounds as tensors; a number takes dtype and device of a parameter of the distribution."""
    like = next((each for each in (low, high) if isinstance(each, Tensor)), None)
    like = _parameter(base_dist) if like is None else like
    return given_bound(low, -torch.inf, like), given_bound(high, torch.inf, like)


def _parameter(fn: td.Distribution) -> Tensor:
    for name in fn.arg_constraints:
        value = getattr(fn, name, None)
        if isinstance(value, Tensor):
            return value
    inner: td.Distribution | None = getattr(fn, "base_dist", None)
    return torch.zeros(()) if inner is None else _parameter(inner)


def check_order(family: Any, low: Tensor, high: Tensor) -> None:
    """Refuse an interval without inner points.

    Raises:
        ArgumentError: a lower bound is not below its upper bound.
    """
    if not bool((low < high).all()):
        raise ArgumentError(
            f"{type(family).__name__} got low={shown(low)} and high={shown(high)}; each low must be below its high."
        )


def interval_between(low: Tensor | None, high: Tensor | None) -> constraints.Constraint:
    """The set of real numbers between two bounds, either of which may be missing."""
    if low is not None and high is not None:
        return constraints.interval(low, high)
    if low is not None:
        return constraints.greater_than_eq(low)
    return constraints.real if high is None else at_most(high)


class _UpTo:
    """The test of the numbers that are not above a bound."""

    def __init__(self, bound: Tensor | float) -> None:
        self._bound = bound

    def __call__(self, value: Tensor) -> Tensor:
        return value <= self._bound

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _UpTo)  # the bounds are compared as those of the constraints

    __hash__ = None  # type: ignore[assignment]


def at_most(high: Tensor | float) -> constraints.Constraint:
    """The real numbers up to a bound, which is one of them, as rounding may lead to it."""
    # of torch's class of those below it, by which maps and values inside are found; it has none that is closed
    constraint: constraints.Constraint = constraints.less_than(high)
    constraint.check = _UpTo(high)  # type: ignore[method-assign]
    return constraint
