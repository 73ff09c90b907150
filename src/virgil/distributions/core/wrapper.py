"""The base of distributions that pass on another one's values."""

from __future__ import annotations

from typing import cast

from torch import distributions as td
from torch.distributions import constraints

__all__ = ["Wrapper"]


class Wrapper(td.Distribution):
    """Abstract base of distributions that change the batch or the log-probability of ``base_dist``, not its values."""

    arg_constraints: dict[str, constraints.Constraint] = {}
    base_dist: td.Distribution

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_enumerate_support

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        return cast(constraints.Constraint, self.base_dist.support)
