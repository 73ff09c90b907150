"""Distributions made of distributions: mixtures, and images under invertible maps."""

from __future__ import annotations

from typing import cast

from torch import Tensor
from torch import distributions as td
from torch.distributions import biject_to, constraints, transform_to
from torch.distributions.transforms import Transform

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = [
    "MixtureSameFamily",
    "TransformedDistribution",
]


class MixtureSameFamily(TorchDistributionMixin, td.MixtureSameFamily):
    """A mixture whose components are the rightmost batch dim of one distribution.

    Args:
        mixture_distribution: a `Categorical` over the components.
        component_distribution: Shape: batch (*batch, components), event (*event).
    """


class TransformedDistribution(TorchDistributionMixin, td.TransformedDistribution):
    """The image of a distribution under one or several invertible maps.

    Args:
        base_distribution: of the value before the maps.
        transforms: one transform, or a list of them, applied first to last.
    """


@biject_to.register(constraints.MixtureSameFamilyConstraint)  # type: ignore[untyped-decorator]
def _biject_to_mixture(constraint: constraints.MixtureSameFamilyConstraint) -> Transform:
    return cast(Transform, biject_to(_common(constraint)))


@transform_to.register(constraints.MixtureSameFamilyConstraint)  # type: ignore[untyped-decorator]
def _transform_to_mixture(constraint: constraints.MixtureSameFamilyConstraint) -> Transform:
    return cast(Transform, transform_to(_common(constraint)))


def _common(constraint: constraints.MixtureSameFamilyConstraint) -> constraints.Constraint:
    """The one support of all components; bounds that are tensors may differ from one component to the next."""
    base: constraints.Constraint = constraint.base_constraint
    if any(isinstance(each, Tensor) for each in vars(base).values()):
        raise NotImplementedError(f"The components of a mixture have supports of their own, {base!r}.")
    return base
