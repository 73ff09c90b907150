"""Log-densities extended beyond a support whose bounds are tensors: minus infinity where a value lies outside.

torch gives any number there, or an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.distributions.core.feasible_value import feasible_value
from virgil.errors import ArgumentError

__all__ = ["extended_log_prob", "support_varies"]


def support_varies(fn: Any, dims: Iterable[int]) -> bool:
    """True where the bounds of the support differ along some of these batch dims, as far as their layout tells."""
    dims = tuple(dims)
    return any(
        bound.dim() >= right - dim and bound.shape[dim - right] > 1 and bound.stride(dim - right) != 0
        for bound, right in _bounds(_support(fn), 0)
        for dim in dims
    )


def extended_log_prob(fn: Any, value: Tensor) -> Tensor:
    """The log-density; outside a support with tensors for bounds it is minus infinity and its derivative zero.

    A point of the support takes the place of a value outside, so that no derivative is NaN. Shape: ``(*batch,)``.
    """
    support = _support(fn)
    if next(_bounds(support, 0), None) is None:
        return fn.log_prob(value)  # type: ignore[no-any-return]
    inside = support.check(value)
    shape = fn.batch_shape + fn.event_shape
    try:
        filler = feasible_value(support, shape, dtype=value.dtype, device=value.device)
    except ArgumentError:  # a user's own constraint: nothing is known that would be inside
        filler = value
    possible = torch.where(inside.reshape(inside.shape + (1,) * len(fn.event_shape)), value, filler)
    return torch.where(inside, fn.log_prob(possible), -torch.inf)


def _support(fn: Any) -> Any:
    try:
        return fn.support
    except (AttributeError, NotImplementedError, ValueError):  # a distribution whose support is not known to torch
        return constraints.real


def _bounds(constraint: Any, right: int) -> Iterator[tuple[Tensor, int]]:
    """The tensors that a constraint is made of, each with the number of its dims that stand right of the batch."""
    if isinstance(constraint, constraints.independent):
        right += constraint.reinterpreted_batch_ndims
    elif isinstance(constraint, constraints.MixtureSameFamilyConstraint):
        right += 1
    for part in vars(constraint).values():
        if isinstance(part, Tensor):
            yield part, right
        elif isinstance(part, constraints.Constraint):
            yield from _bounds(part, right)
