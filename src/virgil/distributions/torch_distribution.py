"""The base for distributions of your own, at the module path from which programs import it."""

from __future__ import annotations

from typing import Any

from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import ExpandedDistribution, MaskedDistribution, TorchDistributionMixin
from virgil.ops.sizes import Sizes

__all__ = ["MaskedDistribution", "TorchDistribution", "TorchDistributionMixin"]


class TorchDistribution(TorchDistributionMixin):
    """Base for distributions of your own.

    Define ``arg_constraints``, ``support``, ``log_prob`` and ``sample`` (or ``rsample`` with ``has_rsample = True``),
    and call ``super().__init__(batch_shape, event_shape, validate_args=validate_args)``. Plates work without an
    ``expand`` of your own; one that expands the parameters can be faster.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> TorchDistributionMixin:  # type: ignore[override]
        return ExpandedDistribution(self, batch_shape)
