"""A distribution above a bound."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.truncated_distribution import TruncatedDistribution

__all__ = ["LeftTruncatedDistribution"]


class LeftTruncatedDistribution(TruncatedDistribution):
    """A number from ``base_dist`` that is known to be at least ``low``: density ``p(x) / (1 - cdf(low))``.

    Draws are quantiles, with a pathwise derivative. Where ``base_dist`` is one of torch's families, or `Logistic`, the
    mass of the tail keeps its digits; of another one it is ``1 - cdf(low)`` as computed. `TruncatedNormal` and
    `TruncatedCauchy` keep theirs farther out. Shape: ``(*batch,)``, event ``()``.

    Args:
        base_dist: a continuous distribution of single numbers with ``cdf`` and ``icdf``.
        low: the bound; minus infinity where there is none. Shape: broadcasts with the batch of ``base_dist``.

    Raises:
        ShapeError: the events of ``base_dist`` are not single numbers.
        ArgumentError: they are discrete, or ``low`` is infinity.

    >>> import torch, virgil.distributions as dist
    >>> fn = LeftTruncatedDistribution(dist.Exponential(2.0), low=3.0)
    >>> fn.log_prob(torch.tensor(4.0)), dist.Exponential(2.0).log_prob(torch.tensor(1.0))  # it has no memory
    (tensor(-1.3069), tensor(-1.3069))
    """

    def __init__(
        self, base_dist: td.Distribution, low: Tensor | float = 0.0, *, validate_args: bool | None = None
    ) -> None:
        super().__init__(base_dist, low, None, validate_args)
