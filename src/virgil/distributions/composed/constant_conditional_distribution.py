"""A distribution that is the same at every context."""

from __future__ import annotations

from typing import Any

from torch import distributions as td

from virgil.distributions.composed.conditional_distribution import ConditionalDistribution

__all__ = ["ConstantConditionalDistribution"]


class ConstantConditionalDistribution(ConditionalDistribution):
    """One distribution at every context.

    Args:
        base_dist: the distribution.
    """

    def __init__(self, base_dist: td.Distribution) -> None:
        self.base_dist = base_dist

    def condition(self, context: Any) -> td.Distribution:
        """The distribution itself."""
        return self.base_dist
