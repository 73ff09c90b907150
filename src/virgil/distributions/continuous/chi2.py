"""The chi-square distribution."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.continuous.gamma import gamma_log_prob
from virgil.distributions.core.cdf_of_tails import QuantilesOfTails
from virgil.distributions.core.gamma_draws import GammaDraws
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["Chi2"]


class Chi2(TorchDistributionMixin, QuantilesOfTails, GammaDraws, td.Chi2):
    """A positive number, the sum of ``df`` squared standard normals.

    The density is proportional to ``x**(df / 2 - 1) * exp(-x / 2)``. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        df: degrees of freedom, > 0.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(gamma_log_prob, value, self.concentration, self.rate)
