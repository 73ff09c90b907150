"""A distribution below a bound."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.truncated_distribution import TruncatedDistribution

__all__ = ["RightTruncatedDistribution"]


class RightTruncatedDistribution(TruncatedDistribution):
    """A number from ``base_dist`` that is known to be at most ``high``: density ``p(x) / cdf(high)``.

    Draws are quantiles, with a pathwise derivative. Digits are those of `LeftTruncatedDistribution`. Shape:
    ``(*batch,)``, event ``()``.

    Args:
        base_dist: a continuous distribution of single numbers with ``cdf`` and ``icdf``.
        high: the bound; infinity where there is none. Shape: broadcasts with the batch of ``base_dist``.

    Raises:
        ShapeError: the events of ``base_dist`` are not single numbers.
        ArgumentError: they are discrete, or ``high`` is minus infinity.

    >>> import torch, virgil.distributions as dist
    >>> RightTruncatedDistribution(dist.Exponential(2.0), high=1.0).cdf(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.7311, 1.0000])
    """

    def __init__(
        self, base_dist: td.Distribution, high: Tensor | float = 0.0, *, validate_args: bool | None = None
    ) -> None:
        super().__init__(base_dist, None, high, validate_args)
