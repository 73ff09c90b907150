"""A value inside a constraint's set: it stands in for masked-out observations and starts guides.

It is the image of the origin under ``transform_to`` (0 for reals, 1 for positives, the middle of an interval, the
uniform vector of a simplex, the identity for Cholesky factors), or the lowest value of a discrete set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Size, Tensor
from torch.distributions import constraints, transform_to

from virgil.distributions.constraints import MaskedConstraint, integer, sphere
from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["feasible_value"]

_Filler = Callable[[Any, Size, dict[str, Any]], Tensor]


def _constant(number: float) -> _Filler:
    return lambda constraint, shape, like: torch.full(shape, number, **like)


def _bound(name: str, offset: float) -> _Filler:
    def fill(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
        bound = getattr(constraint, name)
        if not isinstance(bound, Tensor):
            return torch.full(shape, bound + offset, **like)
        return (bound.detach() + offset).to(**like).expand(shape)

    return fill


def _middle(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    lower, upper = torch.as_tensor(constraint.lower_bound), torch.as_tensor(constraint.upper_bound)
    middle = torch.where(upper.isinf(), lower + 1.0, (lower + upper) / 2)
    return middle.detach().to(**like).expand(shape)


def _first_takes_all(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    total = torch.as_tensor(getattr(constraint, "upper_bound", 1)).to(**like)
    rest = torch.zeros((*shape[:-1], shape[-1] - 1), **like)
    return torch.cat([total.unsqueeze(-1).expand((*shape[:-1], 1)), rest], -1)


def _identity_matrix(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    return torch.eye(shape[-1], **like).expand(shape)


def _inner(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    return feasible_value(constraint.base_constraint, shape, **like)


def _joined(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    dim = constraint.dim % len(shape)
    parts = []
    for part, length in zip(constraint.cseq, constraint.lengths, strict=True):
        parts.append(feasible_value(part, (*shape[:dim], length, *shape[dim + 1 :]), **like))
    return torch.cat(parts, dim)


def _stacked(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    dim = constraint.dim % len(shape)
    return torch.stack([feasible_value(c, shape[:dim] + shape[dim + 1 :], **like) for c in constraint.cseq], dim)


def _masked(constraint: Any, shape: Size, like: dict[str, Any]) -> Tensor:
    mask = constraint.mask
    mask = mask.reshape(mask.shape + (1,) * constraint.event_dim)
    second, first = (feasible_value(each, shape, **like) for each in (constraint.constraint1, constraint.constraint0))
    return torch.where(mask, second, first)


_FILLERS: dict[type, _Filler] = {
    type(constraints.real): _constant(0.0),
    type(constraints.boolean): _constant(0.0),
    type(integer): _constant(0.0),
    type(constraints.nonnegative_integer): _bound("lower_bound", 0),
    constraints.integer_interval: _bound("lower_bound", 0),
    constraints.greater_than: _bound("lower_bound", 1),
    constraints.greater_than_eq: _bound("lower_bound", 1),
    constraints.less_than: _bound("upper_bound", -1),
    constraints.interval: _middle,
    constraints.half_open_interval: _middle,
    constraints.multinomial: _first_takes_all,
    type(constraints.one_hot): _first_takes_all,
    type(sphere): _first_takes_all,
    type(constraints.lower_triangular): _constant(0.0),
    type(constraints.square): _constant(0.0),
    type(constraints.symmetric): _constant(0.0),
    type(constraints.positive_semidefinite): _identity_matrix,
    constraints.independent: _inner,
    constraints.MixtureSameFamilyConstraint: _inner,
    constraints.cat: _joined,
    MaskedConstraint: _masked,
    constraints.stack: _stacked,
}


def feasible_value(
    constraint: constraints.Constraint,
    shape: Sizes = (),
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """A tensor of the given shape, batch and event, that lies inside the constraint's set.

    Args:
        constraint: the support of a distribution, or the constraint of a parameter.
        shape: shape of the result: (*batch, *event).
        dtype: of the result; the default dtype if not given.
        device: of the result; the default device if not given.

    Raises:
        ArgumentError: nothing is known about such a constraint.

    >>> feasible_value(constraints.simplex, (2,))
    tensor([0.5000, 0.5000])
    """
    shape = Size(shape)
    like: dict[str, Any] = {"dtype": dtype or torch.get_default_dtype(), "device": device}
    filler = _FILLERS.get(type(constraint))
    if filler is not None:
        return filler(constraint, shape, like)
    if constraints.is_dependent(constraint):
        raise ArgumentError(
            f"The constraint {constraint!r} depends on values that it does not know, so no value can be said to lie "
            "inside. Take the support of a distribution's instance, not of its class."
        )
    try:
        transform = transform_to(constraint)
    except NotImplementedError as error:
        raise ArgumentError(
            f"No value is known that satisfies the constraint {constraint!r}. Register a transform for it: "
            "virgil.distributions.transforms.transform_to.register(...)."
        ) from error
    origin = torch.zeros(transform.inverse_shape(shape), **like)
    return cast(Tensor, transform(origin))
