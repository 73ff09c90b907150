"""The Poisson distribution with more zeros."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import constraints

from virgil.distributions.composed.zero_inflated_distribution import ZeroInflatedDistribution
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.discrete.poisson import Poisson

__all__ = ["ZeroInflatedPoisson"]


@expand_as_torch
class ZeroInflatedPoisson(ZeroInflatedDistribution):
    """Zero with probability ``gate``, else a Poisson count *(Lambert 1992)*.

    The probability of k is ``gate * (k == 0) + (1 - gate) * rate**k * exp(-rate) / k!``. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        rate: mean of the Poisson distribution, >= 0.
        gate: probability of an extra zero, in [0, 1].
        gate_logits: log-odds of an extra zero, in place of ``gate``.

    Raises:
        ArgumentError: both of ``gate`` and ``gate_logits`` are given, or none.
    """

    arg_constraints = {"rate": constraints.nonnegative, **ZeroInflatedDistribution.arg_constraints}
    support = constraints.nonnegative_integer

    def __init__(
        self,
        rate: Tensor | float,
        *,
        gate: Tensor | float | None = None,
        gate_logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = Poisson(rate, validate_args=False)  # the rate is checked as this distribution's own argument
        super().__init__(base, gate=gate, gate_logits=gate_logits, validate_args=validate_args)

    @property
    def rate(self) -> Tensor:
        """The mean of the Poisson distribution. Shape: ``(*batch,)``."""
        return self.base_dist.rate  # type: ignore[attr-defined, no-any-return]
