"""Virgil's entries in torch's registries of maps from real vectors onto a set.

``biject_to(constraint)`` is a bijection from real vectors onto the constraint's set; ``transform_to(constraint)`` is a
map onto it that need not be invertible but is cheaper or better conditioned where the two differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor
from torch.distributions import biject_to, transform_to
from torch.distributions.transforms import (
    ComposeTransform,
    ExpTransform,
    IndependentTransform,
    SoftplusTransform,
    Transform,
)

from virgil.distributions import constraints, transforms

__all__ = ["biject_to", "transform_to"]


class _ToPositiveOrdered(ComposeTransform):
    """Exponentials of an increasing vector, which torch takes for any positive ones."""

    codomain = constraints.positive_ordered_vector

    def __init__(self, cache_size: int = 0) -> None:
        super().__init__([transforms.OrderedTransform(), IndependentTransform(ExpTransform(), 1)], cache_size)

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if self._cache_size == cache_size else _ToPositiveOrdered(cache_size)


# each with a function that takes the constraint and makes the map
_BIJECTIONS: list[tuple[constraints.Constraint, Callable[[Any], Transform]]] = [
    (constraints.softplus_positive, lambda _: SoftplusTransform()),
    (constraints.ordered_vector, lambda _: transforms.OrderedTransform()),
    (constraints.positive_ordered_vector, lambda _: _ToPositiveOrdered()),
    (constraints.corr_cholesky, lambda _: transforms.CorrCholeskyTransform()),
    (
        constraints.corr_matrix,
        lambda _: ComposeTransform([transforms.CorrCholeskyTransform(), transforms.CorrMatrixTransform()]),
    ),
    (constraints.zero_sum(1), lambda constraint: transforms.ZeroSumTransform(constraint.event_dim)),
]
# bijections from the free entries, where the projection from a whole square matrix is not one
_FREE: list[tuple[constraints.Constraint, Callable[[Any], Transform]]] = [
    (constraints.lower_cholesky, lambda _: transforms.FreeCholeskyTransform()),
    (constraints.softplus_lower_cholesky, lambda _: transforms.FreeCholeskyTransform()),
    (constraints.unit_lower_cholesky, lambda _: transforms.FreeCholeskyTransform(unit=True)),
    (constraints.positive_definite, lambda _: transforms.FreePositiveDefiniteTransform()),
]
_PROJECTIONS: list[tuple[constraints.Constraint, Callable[[Any], Transform]]] = [
    (constraints.sphere, lambda constraint: transforms.Normalize(constraint.p)),
    (constraints.softplus_lower_cholesky, lambda _: transforms.SoftplusLowerCholeskyTransform()),
    (constraints.unit_lower_cholesky, lambda _: transforms.UnitLowerCholeskyTransform()),
]

for _constraint, _make in _BIJECTIONS + _FREE:
    biject_to.register(_constraint, _make)
for _constraint, _make in _BIJECTIONS + _PROJECTIONS:
    transform_to.register(_constraint, _make)


@biject_to.register(constraints.CoalescentTimesConstraint)  # type: ignore[untyped-decorator]
@transform_to.register(constraints.CoalescentTimesConstraint)  # type: ignore[untyped-decorator]
def _to_coalescent_times(constraint: constraints.CoalescentTimesConstraint) -> Transform:
    if not constraint.ordered:
        raise NotImplementedError("Times of coalescences in any order have no map onto them.")
    return transforms.CoalescentTimesTransform(constraint.leaf_times)


@biject_to.register(constraints.MixtureSameFamilyConstraint)  # type: ignore[untyped-decorator]
def _biject_to_mixture(constraint: constraints.MixtureSameFamilyConstraint) -> Transform:
    return cast(Transform, biject_to(_common_support(constraint)))


@transform_to.register(constraints.MixtureSameFamilyConstraint)  # type: ignore[untyped-decorator]
def _transform_to_mixture(constraint: constraints.MixtureSameFamilyConstraint) -> Transform:
    return cast(Transform, transform_to(_common_support(constraint)))


def _common_support(constraint: constraints.MixtureSameFamilyConstraint) -> constraints.Constraint:
    """The one support of all components; bounds that are tensors may differ from one component to the next."""
    base: constraints.Constraint = constraint.base_constraint
    if any(isinstance(each, Tensor) for each in vars(base).values()):
        raise NotImplementedError(f"The components of a mixture have supports of their own, {base!r}.")
    return base
