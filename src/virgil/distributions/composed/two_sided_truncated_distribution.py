"""A distribution between two bounds."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.truncated_distribution import TruncatedDistribution

__all__ = ["TwoSidedTruncatedDistribution"]


class TwoSidedTruncatedDistribution(TruncatedDistribution):
    """A number from ``base_dist`` between two bounds: density ``p(x) / (cdf(high) - cdf(low))``.

    Draws are quantiles, with a pathwise derivative. The mass is the difference of two tails, in the tail where it is
    smaller; where the interval is much narrower than the scale of ``base_dist`` these are almost the same, and the
    difference has fewer digits (`TruncatedNormal` and `TruncatedCauchy` keep theirs). Shape: ``(*batch,)``, event
    ``()``.

    Args:
        base_dist: a continuous distribution of single numbers with ``cdf`` and ``icdf``.
        low: the lower bound; minus infinity where there is none. Shape: broadcasts with the batch of ``base_dist``.
        high: the upper bound, > low; infinity where there is none. Shape: broadcasts as well.

    Raises:
        ShapeError: the events of ``base_dist`` are not single numbers.
        ArgumentError: they are discrete, or ``low`` is not below ``high``.

    >>> import torch, virgil.distributions as dist
    >>> fn = TwoSidedTruncatedDistribution(dist.Normal(0.0, 1.0), low=-1.0, high=1.0)
    >>> fn.icdf(torch.tensor(0.5)), fn.support
    (tensor(0.), Interval(lower_bound=-1.0, upper_bound=1.0))
    """

    def __init__(
        self,
        base_dist: td.Distribution,
        low: Tensor | float = 0.0,
        high: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(base_dist, low, high, validate_args)
