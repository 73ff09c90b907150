"""Inclusion of sets of values, as far as it follows from torch's constraints."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.distributions.constraints import (
    corr_matrix,
    ordered_vector,
    positive_ordered_vector,
    softplus_lower_cholesky,
    sphere,
    unit_lower_cholesky,
)
from virgil.params.constraint import Constraint

__all__ = ["are_apart", "contains", "described", "is_left_at_once", "is_of_entries"]

_NUMBERS = (
    type(constraints.real),
    type(constraints.boolean),
    type(constraints.nonnegative_integer),
    constraints.integer_interval,
    constraints.greater_than,
    constraints.greater_than_eq,
    constraints.less_than,
    constraints.interval,
    constraints.half_open_interval,
)
# Sets of vectors and matrices whose entries hang together: what to call them, the least interval that holds every
# entry, and whether they have a volume, so that a density on them is one on all vectors as well.
_JOINT: dict[type, tuple[str, float, float, bool]] = {
    type(constraints.simplex): ("vectors of nonnegative numbers that sum to 1", 0.0, 1.0, False),
    type(constraints.one_hot): ("one-hot vectors", 0.0, 1.0, True),
    constraints.multinomial: ("vectors of counts", 0.0, math.inf, True),
    type(sphere): ("vectors of length 1", -1.0, 1.0, False),
    type(ordered_vector): ("vectors whose entries increase", -math.inf, math.inf, True),
    type(positive_ordered_vector): ("vectors of positive entries that increase", 0.0, math.inf, True),
    type(constraints.lower_triangular): ("lower triangular matrices", -math.inf, math.inf, False),
    type(constraints.lower_cholesky): ("lower Cholesky factors", -math.inf, math.inf, False),
    type(softplus_lower_cholesky): ("lower Cholesky factors", -math.inf, math.inf, False),
    type(unit_lower_cholesky): ("lower triangular matrices with a unit diagonal", -math.inf, math.inf, False),
    type(constraints.corr_cholesky): ("Cholesky factors of correlation matrices", -1.0, 1.0, False),
    type(corr_matrix): ("correlation matrices", -1.0, 1.0, False),
    type(constraints.symmetric): ("symmetric matrices", -math.inf, math.inf, False),
    type(constraints.positive_semidefinite): ("positive semidefinite matrices", -math.inf, math.inf, False),
    type(constraints.positive_definite): ("positive definite matrices", -math.inf, math.inf, False),
}
_SYMMETRIC = frozenset(
    {
        type(constraints.symmetric),
        type(constraints.positive_semidefinite),
        type(constraints.positive_definite),
    }
)
# Pairs of such sets, the first inside the second and of its dimension.
_INSIDE = frozenset(
    {
        (type(positive_ordered_vector), type(ordered_vector)),
        (type(softplus_lower_cholesky), type(constraints.lower_cholesky)),
        (type(constraints.lower_cholesky), type(softplus_lower_cholesky)),
        (type(softplus_lower_cholesky), type(constraints.lower_triangular)),
        (type(constraints.lower_cholesky), type(constraints.lower_triangular)),
        (type(constraints.positive_definite), type(constraints.positive_semidefinite)),
        (type(constraints.positive_definite), type(constraints.symmetric)),
        (type(constraints.positive_semidefinite), type(constraints.symmetric)),
    }
)
# Pairs of such sets, the second with values outside the first: steps of a parameter of the second leave the first.
_TRIANGULAR = (
    type(constraints.lower_triangular),
    type(constraints.lower_cholesky),
    type(softplus_lower_cholesky),
    type(unit_lower_cholesky),
)
_OUTSIDE = frozenset(
    {
        *((type(constraints.corr_cholesky), factor) for factor in _TRIANGULAR),
        *((whole, factor) for whole in _SYMMETRIC for factor in (*_TRIANGULAR, type(constraints.corr_cholesky))),
        *((type(corr_matrix), other) for other in (*_SYMMETRIC, *_TRIANGULAR)),
    }
)
_ROUNDING = 1e-5  # bounds that differ by so much, relatively, were meant to be equal


@dataclass(frozen=True)
class _Interval:
    """The same interval, or one of its own, for each entry."""

    lower: float | Tensor
    upper: float | Tensor

    @property
    def is_varied(self) -> bool:
        """True if bounds may differ from entry to entry."""
        return any(isinstance(bound, Tensor) and bound.numel() > 1 for bound in (self.lower, self.upper))


def contains(outer: Constraint, inner: Constraint, *, as_sets: bool = False) -> bool | None:
    """True if ``inner`` lies in ``outer``, up to its boundary, and a density on it is one on ``outer``.

    ``None`` where that is not known, for instance of a constraint that a user has made.

    Args:
        outer: a set.
        inner: another one.
        as_sets: leave densities out, and ask only if the values of the one are values of the other.
    """
    outer, inner = _bare(outer), _bare(inner)
    if not (_is_known(outer) and _is_known(inner)):
        return None
    if outer.is_discrete != inner.is_discrete and not (as_sets and inner.is_discrete):
        return False
    theirs, ours = _interval(outer), _interval(inner)
    if theirs is not None and ours is not None:
        return _bounds_hold(theirs, ours)
    if theirs is None and ours is None:
        is_inside = type(outer) is type(inner) or (type(inner), type(outer)) in _INSIDE
        return is_inside or (None if as_sets and not are_apart(outer, inner) else False)
    if theirs is not None:
        _, lower, upper, has_volume = _JOINT[type(inner)]
        return (has_volume or as_sets) and _bounds_hold(theirs, _Interval(lower, upper))
    return None if ours is None or ours.is_varied else False  # entries of intervals apart may be ordered


def is_of_entries(constraint: Constraint) -> bool:
    """True if each entry of a value lies in the same interval, whatever the others are."""
    interval = _interval(_bare(constraint))
    return interval is not None and not interval.is_varied


def is_left_at_once(constraint: Constraint) -> bool:
    """True if entries are whole numbers or hang together by an equation: no step of free entries stays there.

    Gradients with respect to symmetric matrices are symmetric, so that a step may stay among them.
    """
    bare = _bare(constraint)
    return bare.is_discrete or (type(bare) in _JOINT and not _JOINT[type(bare)][3] and type(bare) not in _SYMMETRIC)


def are_apart(wanted: Constraint, other: Constraint) -> bool:
    """True if steps among the values of ``other``, which are factors of matrices, leave those of ``wanted`` at once."""
    return (type(_bare(wanted)), type(_bare(other))) in _OUTSIDE


def described(constraint: Constraint) -> str:
    """The set in words."""
    constraint = _bare(constraint)
    if type(constraint) in _JOINT:
        return _JOINT[type(constraint)][0]
    interval = _interval(constraint)
    if interval is None or interval.is_varied:
        return repr(constraint)
    lower, upper = (float(torch.as_tensor(each).detach()) for each in (interval.lower, interval.upper))
    numbers = "whole numbers" if constraint.is_discrete else "real numbers"
    if math.isinf(lower) and math.isinf(upper):
        return f"all {numbers}"
    if math.isinf(upper):
        return f"{numbers} {'from' if constraint.is_discrete else 'above'} {lower:g}{' up' * constraint.is_discrete}"
    return f"{numbers} below {upper:g}" if math.isinf(lower) else f"{numbers} from {lower:g} to {upper:g}"


def _bare(constraint: Constraint) -> Constraint:
    """The constraint of one entry, or of entries that hang together."""
    while isinstance(constraint, (constraints.independent, constraints.MixtureSameFamilyConstraint)):
        constraint = constraint.base_constraint
    return constraint


def _is_known(constraint: Constraint) -> bool:
    return type(constraint) in _JOINT or isinstance(constraint, _NUMBERS)


def _interval(constraint: Constraint) -> _Interval | None:
    if isinstance(constraint, type(constraints.boolean)):
        return _Interval(0.0, 1.0)
    if not isinstance(constraint, _NUMBERS):
        return None
    return _Interval(getattr(constraint, "lower_bound", -math.inf), getattr(constraint, "upper_bound", math.inf))


def _bounds_hold(outer: _Interval, inner: _Interval) -> bool | None:
    """True if each bound of ``inner`` lies within those of ``outer``; ``None`` where the two do not broadcast."""
    try:
        answers = [_at_most(outer.lower, inner.lower), _at_most(inner.upper, outer.upper)]
    except RuntimeError:
        return None
    return None if None in answers else all(answers)


def _at_most(left: float | Tensor, right: float | Tensor) -> bool | None:
    left, right = (torch.as_tensor(each, dtype=torch.float64).detach().cpu() for each in (left, right))
    if bool(left.isnan().any()) or bool(right.isnan().any()):
        return None
    slack = torch.where(right.isinf(), 0.0, _ROUNDING * (1 + right.abs()))
    return bool((left <= right + slack).all())
