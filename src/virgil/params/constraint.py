"""The constraint of a parameter: its transform to unconstrained values, and equality of constraints.

Torch's constraints compare by identity, so that ``greater_than(0.0) != positive``. Here two constraints are the same
when they have one type and equal parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints, transform_to
from torch.distributions.transforms import AffineTransform, ComposeTransform

from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.errors import ParamError, a_kind, shown

__all__ = ["Constraint", "find_transform", "is_unrestricted", "same_constraint"]

Constraint = constraints.Constraint


def is_unrestricted(constraint: Constraint) -> bool:
    """Return ``True`` for ``real``, with event dims or without: the constrained value is the unconstrained one.

    >>> is_unrestricted(constraints.real_vector), is_unrestricted(constraints.positive)
    (True, False)
    """
    constraint = entry_constraint(constraint)
    return constraint is constraints.real or type(constraint) is type(constraints.real)


def find_transform(name: str, constraint: Constraint) -> Callable[[Tensor], Tensor] | None:
    """The bijection from unconstrained to constrained values; ``None`` if that is the identity.

    Raises:
        ParamError: the constraint has no such bijection, or is not a constraint.
    """
    if not isinstance(constraint, Constraint):
        raise ParamError(
            f"Parameter {name!r} got the constraint {shown(constraint)}, {a_kind(type(constraint))}; it takes a "
            "constraint of virgil.distributions.constraints, such as constraints.positive."
        )
    if is_unrestricted(constraint):
        return None
    try:
        transform = transform_to(constraint)
    except NotImplementedError:
        raise ParamError(
            f"Parameter {name!r} got the constraint {constraint}, for which no smooth map from unconstrained values "
            "is known; a parameter is optimised, so its constraint must be continuous. Use another constraint, or "
            "register a map with torch.distributions.transform_to.register."
        ) from None
    return _without_identities(transform)


def same_constraint(left: Constraint, right: Constraint) -> bool:
    """Return ``True`` if two constraints have one type and equal parameters.

    >>> same_constraint(constraints.positive, constraints.greater_than(0.0))
    True
    >>> same_constraint(constraints.positive, constraints.greater_than(1.0))
    False
    """
    return left is right or _same(left, right)


def _without_identities(transform: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The transform without steps that change nothing. Torch's ``positive`` is 0 + 1 * exp(x), five times as slow."""
    if not isinstance(transform, ComposeTransform):
        return transform
    parts = [each for each in transform.parts if not _is_identity(each)]
    return parts[0] if len(parts) == 1 else transform


def _is_identity(transform: Any) -> bool:
    if not isinstance(transform, AffineTransform) or isinstance(transform.loc, Tensor):
        return False
    return not isinstance(transform.scale, Tensor) and (transform.loc, transform.scale) == (0, 1)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        left, right = torch.as_tensor(left), torch.as_tensor(right)
        return left.shape == right.shape and bool((left.cpu() == right.cpu()).all())
    if isinstance(left, Constraint):
        return type(left) is type(right) and _same(vars(left), vars(right))
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)
