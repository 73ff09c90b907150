"""Words for a value that lies outside a support."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.distributions.constraints import corr_matrix, ordered_vector, positive_ordered_vector, sphere
from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.params.constraint import Constraint

__all__ = ["reason"]


def reason(value: Tensor, support: Constraint) -> str:
    """Why one value, of the event's shape, is not in ``support``; empty where the value says it all.

    >>> reason(torch.tensor([0.5, 0.7]), constraints.simplex)
    'it sums to 1.2, not 1'
    """
    if value.is_floating_point() and not torch.isfinite(value).all():
        return "not finite"
    support = entry_constraint(support)
    if type(support) in _REASONS:
        return _REASONS[type(support)](value)
    whole = support.is_discrete and value.is_floating_point()
    return "not whole" if whole and bool((value != value.round()).any()) else ""


def _sum(value: Tensor) -> str:
    negative = value[value < 0]
    return f"an entry is {negative[0]:.4g}" if len(negative) else f"it sums to {value.sum():.4g}, not 1"


def _length(value: Tensor) -> str:
    return f"its length is {torch.linalg.vector_norm(value):.4g}, not 1"


def _order(value: Tensor) -> str:
    steps = value.diff()
    if bool((steps <= 0).any()):
        place = int((steps <= 0).nonzero()[0])
        return f"entry {place + 1} is not above entry {place}"
    return f"its first entry is {value[0]:.4g}"


def _triangle(value: Tensor) -> str:
    if bool((value.tril() != value).any()):
        return "not lower triangular"
    diagonal = value.diagonal()
    return f"its diagonal has an entry of {diagonal.min():.4g}" if bool((diagonal <= 0).any()) else ""


def _rows(value: Tensor) -> str:
    lengths = torch.linalg.vector_norm(value, dim=-1)
    worst = int((lengths - 1).abs().argmax())
    return _triangle(value) or f"row {worst} has length {lengths[worst]:.4g}, not 1"


def _symmetry(value: Tensor) -> str:
    if not torch.allclose(value, value.mT, atol=1e-6):
        return "not symmetric"
    least = torch.linalg.eigvalsh(value).min()
    return f"its least eigenvalue is {least:.4g}" if bool(least <= 1e-6) else ""


def _correlation(value: Tensor) -> str:
    diagonal = value.diagonal()
    worst = diagonal[(diagonal - 1).abs().argmax()]
    return _symmetry(value) or f"its diagonal has an entry of {worst:.4g}, not 1"


_REASONS: dict[type, Callable[[Tensor], str]] = {
    type(constraints.simplex): _sum,
    type(constraints.one_hot): _sum,
    type(sphere): _length,
    type(ordered_vector): _order,
    type(positive_ordered_vector): _order,
    type(constraints.lower_triangular): _triangle,
    type(constraints.lower_cholesky): _triangle,
    type(constraints.corr_cholesky): _rows,
    type(constraints.symmetric): _symmetry,
    type(constraints.positive_semidefinite): _symmetry,
    type(constraints.positive_definite): _symmetry,
    type(corr_matrix): _correlation,
}
