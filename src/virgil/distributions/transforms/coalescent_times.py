"""The map from real vectors onto the times of coalescences that leaves allow."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform

from virgil.distributions.constraints import CoalescentTimesConstraint

__all__ = ["CoalescentTimesTransform"]


class CoalescentTimesTransform(Transform):
    r"""A bijection from real vectors onto increasing times of coalescences, each of which has two lineages to merge.

    Going backward in time, a coalescence is :math:`e^u` before the earlier one of two times: that of the coalescence
    which it follows, and that of the leaf without which there would be one lineage only. Shape: ``(*batch, leaves -
    1)``.

    Args:
        leaf_times: Shape: ``(*batch, leaves)``.
    """

    domain = constraints.real_vector
    bijective = True

    def __init__(self, leaf_times: Tensor, cache_size: int = 0) -> None:
        self.leaf_times = leaf_times
        super().__init__(cache_size=cache_size)

    @property
    def codomain(self) -> constraints.Constraint:  # type: ignore[override]
        """The times that the leaves allow."""
        return CoalescentTimesConstraint(self.leaf_times)

    def with_cache(self, cache_size: int = 1) -> CoalescentTimesTransform:
        """The same map, with a cache of so many values."""
        return self if self._cache_size == cache_size else CoalescentTimesTransform(self.leaf_times, cache_size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CoalescentTimesTransform) and (
            self.leaf_times is other.leaf_times or torch.equal(self.leaf_times, other.leaf_times)
        )

    __hash__: Any = None

    def _bounds(self) -> Tensor:
        """The latest time of each coalescence, the latest first."""
        return self.leaf_times.sort(-1, descending=True).values[..., 1:]

    def _call(self, x: Tensor) -> Tensor:
        steps = x.flip(-1).exp()
        back = steps.cumsum(-1)
        return ((self._bounds() + back - steps).cummin(-1).values - back).flip(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        times, bounds = y.flip(-1), self._bounds()
        rest = torch.minimum(times[..., :-1], bounds[..., 1:])
        latest = torch.cat([bounds[..., :1].expand(*rest.shape[:-1], 1), rest], -1)
        return (latest - times).log().flip(-1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.sum(-1)
