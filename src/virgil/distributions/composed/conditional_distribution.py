"""Distributions that depend on a context."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import distributions as td

__all__ = ["ConditionalDistribution"]


class ConditionalDistribution(ABC):
    """A family of distributions, one for each context; no distribution itself."""

    @abstractmethod
    def condition(self, context: Any) -> td.Distribution:
        """The distribution at this context.

        Args:
            context: mostly a tensor whose batch broadcasts with that of the values. Shape: ``(..., context_dim)``.
        """
