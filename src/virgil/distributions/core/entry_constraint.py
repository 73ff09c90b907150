"""The constraint of one entry of an event."""

from __future__ import annotations

from torch.distributions import constraints
from torch.distributions.constraints import Constraint

__all__ = ["entry_constraint"]


def entry_constraint(constraint: Constraint) -> Constraint:
    """The constraint without the dims that ``independent`` counts as an event.

    >>> entry_constraint(constraints.independent(constraints.positive, 2)) is constraints.positive
    True
    """
    while isinstance(constraint, constraints.independent):
        constraint = constraint.base_constraint
    return constraint
