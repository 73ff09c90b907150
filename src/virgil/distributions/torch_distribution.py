"""The module path under which programs import the bases for distributions of their own."""

from __future__ import annotations

from virgil.distributions.shape_algebra import MaskedDistribution, TorchDistribution, TorchDistributionMixin

__all__ = ["MaskedDistribution", "TorchDistribution", "TorchDistributionMixin"]
