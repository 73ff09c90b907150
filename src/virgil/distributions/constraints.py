"""Sets in which parameters and values lie: torch's constraints, and those that torch lacks.

A constraint's ``check`` says elementwise which values lie inside; ``biject_to`` and ``transform_to`` of
:mod:`virgil.distributions.transforms` give a map onto it from real vectors. Beyond torch's there are:

==============================  ======================================================================
``ordered_vector``              vectors whose entries increase: cutpoints, the sorted means of a mixture
``positive_ordered_vector``     the same with positive entries
``sphere``, ``unit_norm(p)``    vectors of Euclidean norm 1; of norm 1 of order p
``softplus_positive``           positive numbers, reached by softplus: large gradients stay in bounds
``softplus_lower_cholesky``     lower Cholesky factors with a diagonal reached by softplus
``unit_lower_cholesky``         lower triangular matrices with a diagonal of ones: the L of L D L'
``corr_matrix``                 correlation matrices
``integer``                     integers of either sign
``zero_sum``                    arrays that sum to zero along each of so many dims
``MaskedConstraint``            one set where a mask is true, another one where it is false
``CoalescentTimesConstraint``   times at which the lineages of given leaves can coalesce
==============================  ======================================================================
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributions.constraints import (
    Constraint,
    MixtureSameFamilyConstraint,
    boolean,
    cat,
    dependent,
    dependent_property,
    greater_than,
    greater_than_eq,
    half_open_interval,
    independent,
    integer_interval,
    interval,
    is_dependent,
    less_than,
    lower_cholesky,
    lower_triangular,
    multinomial,
    nonnegative,
    nonnegative_integer,
    one_hot,
    positive,
    positive_definite,
    positive_integer,
    positive_semidefinite,
    real,
    real_vector,
    simplex,
    square,
    stack,
    symmetric,
    unit_interval,
)
from torch.distributions.constraints import corr_cholesky as torch_corr_cholesky

__all__ = [
    "CoalescentTimesConstraint",
    "Constraint",
    "MaskedConstraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "corr_cholesky_constraint",
    "corr_matrix",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "ordered_vector",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_ordered_vector",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "softplus_lower_cholesky",
    "softplus_positive",
    "sphere",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
    "unit_lower_cholesky",
    "unit_norm",
    "zero_sum",
]


class _OrderedVector(Constraint):
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value[..., 1:] > value[..., :-1]).all(-1) & (value == value).all(-1)


class _PositiveOrderedVector(_OrderedVector):
    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value > 0).all(-1)


class unit_norm(Constraint):
    """The vectors whose norm of order ``p`` is 1, up to rounding.

    Args:
        p: the order: 2 is Euclid's.
    """

    event_dim = 1
    p: float = 2  # of what an old file holds, which is made without the constructor

    def __init__(self, p: float = 2) -> None:
        self.p = p
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        """For each vector: whether its norm is 1."""
        # the norm of a rounded unit vector is off by up to the square root of its length in units of rounding
        tolerance = 10 * torch.finfo(value.dtype).eps * max(value.shape[-1], 1) ** 0.5
        norm: Tensor = torch.linalg.vector_norm(value, self.p, dim=-1)
        return cast(Tensor, (norm - 1).abs() < tolerance)

    def __repr__(self) -> str:
        return "Sphere()" if self.p == 2 else f"UnitNorm({self.p})"


class _SoftplusPositive(greater_than):
    def __init__(self) -> None:
        super().__init__(lower_bound=0.0)

    def __repr__(self) -> str:
        return "SoftplusPositive()"


class _SoftplusLowerCholesky(type(lower_cholesky)):  # type: ignore[misc]
    pass


class _UnitLowerCholesky(Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        lower = (value.tril() == value).flatten(-2).all(-1)
        return lower & (value.diagonal(dim1=-2, dim2=-1) == 1).all(-1)


class _CorrMatrix(Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        tolerance = 10 * value.size(-1) * torch.finfo(value.dtype).eps
        unit = ((value.diagonal(dim1=-2, dim2=-1) - 1).abs() < tolerance).all(-1)
        return unit & cast(Tensor, positive_definite.check(value))


class _ZeroSum(Constraint):
    """Arrays that sum to zero along each of their rightmost dims.

    Args:
        event_dim: how many dims, 1 or more.
    """

    def __init__(self, event_dim: int) -> None:
        self._event_dim = event_dim
        super().__init__()

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self._event_dim

    def check(self, value: Tensor) -> Tensor:
        dims = tuple(range(-self._event_dim, 0))
        rounding = 10 * torch.finfo(value.dtype).eps * value.abs().amax(dims, keepdim=True).clamp(min=1)
        sums = [value.sum(dim, keepdim=True).abs() <= rounding * value.shape[dim] for dim in dims]
        return torch.stack([each.flatten(-len(dims)).all(-1) for each in sums]).all(0)

    def __repr__(self) -> str:
        return f"ZeroSum(event_dim={self._event_dim})"


class _Integer(Constraint):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return value % 1 == 0


class MaskedConstraint(Constraint):
    """The values that satisfy ``constraint1`` where a mask is true, and ``constraint0`` where it is false.

    Args:
        mask: a tensor of bools. Shape: ``(*batch,)``.
        constraint0: the set where the mask is false.
        constraint1: the set where the mask is true.
    """

    def __init__(self, mask: Tensor, constraint0: Constraint, constraint1: Constraint) -> None:
        self.mask, self.constraint0, self.constraint1 = mask, constraint0, constraint1
        super().__init__()

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return bool(self.constraint0.is_discrete and self.constraint1.is_discrete)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return max(self.constraint0.event_dim, self.constraint1.event_dim)

    def check(self, value: Tensor) -> Tensor:
        """Elementwise over the batch: whether a value lies inside the set that the mask chooses."""
        return torch.where(self.mask, self.constraint1.check(value), self.constraint0.check(value))

    def __repr__(self) -> str:
        return f"MaskedConstraint({self.constraint0!r}, {self.constraint1!r})"


class CoalescentTimesConstraint(Constraint):
    """Increasing times of coalescences, each with two lineages to merge; time runs forward, and leaves come later.

    Args:
        leaf_times: in any order. Shape: ``(*batch, leaves)``.
        ordered: false allows the times in any order, too.
    """

    event_dim = 1

    def __init__(self, leaf_times: Tensor, *, ordered: bool = True) -> None:
        self.leaf_times, self.ordered = leaf_times, ordered
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        leaves, times = self.leaf_times.sort(-1).values, value.sort(-1).values
        if times.shape[-1] != leaves.shape[-1] - 1:
            return torch.zeros(value.shape[:-1], dtype=torch.bool, device=value.device)
        # of two lineages that merge, the later begins at the next leaf at the earliest
        possible = (times <= leaves[..., :-1]).all(-1)
        return possible & (times == value).all(-1) if self.ordered else possible

    def __repr__(self) -> str:
        return f"CoalescentTimesConstraint(leaf_times of shape {tuple(self.leaf_times.shape)})"


def _check_corr_cholesky(value: Tensor) -> Tensor:
    """True for Cholesky factors of correlation matrices, as exact as single precision holds them at most."""
    precision = max(torch.finfo(value.dtype).eps, torch.finfo(torch.float32).eps)
    norm: Tensor = torch.linalg.vector_norm(value.detach(), dim=-1)
    has_unit_rows = ((norm - 1).abs() <= 10 * value.shape[-1] * precision).all(-1)
    return has_unit_rows & cast(Tensor, lower_cholesky.check(value))


def _corr_cholesky() -> Constraint:
    # of torch's own class, by which maps and names are found; torch refuses a factor in doubles that was one of floats
    constraint: Constraint = type(torch_corr_cholesky)()
    constraint.check = _check_corr_cholesky  # type: ignore[method-assign]
    return constraint


corr_cholesky = corr_cholesky_constraint = _corr_cholesky()
integer = _Integer()
ordered_vector = _OrderedVector()
positive_ordered_vector = _PositiveOrderedVector()
sphere = unit_norm()
softplus_positive = _SoftplusPositive()
softplus_lower_cholesky = _SoftplusLowerCholesky()
unit_lower_cholesky = _UnitLowerCholesky()
corr_matrix = _CorrMatrix()
zero_sum = _ZeroSum
