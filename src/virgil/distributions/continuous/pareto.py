"""The Pareto distribution."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Pareto"]


class Pareto(TorchDistributionMixin, td.Pareto):
    """A number above ``scale`` with density ``alpha * scale**alpha / x**(alpha + 1)``.

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        scale: lower bound, > 0.
        alpha: exponent of the tail, > 0; moments of this order and above do not exist.
    """

    has_rsample = True

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.scale, self.alpha)


def _log_prob(value: Tensor, scale: Tensor, alpha: Tensor) -> Tensor:
    log_value = value.log()
    return alpha.log() + alpha * (scale.log() - log_value) - log_value
