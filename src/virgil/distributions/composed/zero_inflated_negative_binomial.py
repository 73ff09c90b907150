"""The negative binomial distribution with more zeros."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import constraints

from virgil.distributions.composed.zero_inflated_distribution import ZeroInflatedDistribution
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.discrete.negative_binomial import NegativeBinomial

__all__ = ["ZeroInflatedNegativeBinomial"]


@expand_as_torch
class ZeroInflatedNegativeBinomial(ZeroInflatedDistribution):
    """Zero with probability ``gate``, else the number of successes before failure number ``total_count``.

    The probability of k is ``gate * (k == 0) + (1 - gate) * C(k + r - 1, k) * (1 - p)**r * p**k``, where r is
    ``total_count`` and p is ``probs``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        total_count: number of failures at which counting stops, >= 0, need not be an integer.
        probs: probability of success, in [0, 1).
        logits: log-odds of success, in place of ``probs``.
        gate: probability of an extra zero, in [0, 1].
        gate_logits: log-odds of an extra zero, in place of ``gate``.

    Raises:
        ArgumentError: both of ``gate`` and ``gate_logits`` are given, or none.
        ValueError: both of ``probs`` and ``logits`` are given, or none.
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
        **ZeroInflatedDistribution.arg_constraints,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Tensor | float,
        *,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        gate: Tensor | float | None = None,
        gate_logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = NegativeBinomial(total_count, probs, logits, validate_args=validate_args)
        super().__init__(base, gate=gate, gate_logits=gate_logits, validate_args=validate_args)

    @property
    def total_count(self) -> Tensor:
        """The number of failures at which counting stops. Shape: ``(*batch,)``."""
        return self.base_dist.total_count  # type: ignore[attr-defined, no-any-return]

    @property
    def probs(self) -> Tensor:
        """The probability of success. Shape: ``(*batch,)``."""
        return self.base_dist.probs  # type: ignore[attr-defined, no-any-return]

    @property
    def logits(self) -> Tensor:
        """The log-odds of success. Shape: ``(*batch,)``."""
        return self.base_dist.logits  # type: ignore[attr-defined, no-any-return]
