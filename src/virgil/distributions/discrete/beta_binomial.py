"""The beta-binomial distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.cdf_of_sums import CdfOfSums
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.simplex_draws import SimplexDraws
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["BetaBinomial"]


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def _log_prob(value: Tensor, a: Tensor, b: Tensor, total_count: Tensor) -> Tensor:
    failures = total_count - value
    # C(n, k) = 1 / ((n + 1) * Beta(k + 1, n - k + 1))
    log_ways = -torch.log(total_count + 1) - _log_beta(value + 1, failures + 1)
    return log_ways + _log_beta(value + a, failures + b) - _log_beta(a, b)


@expand_parameters
class BetaBinomial(TorchDistributionMixin, CdfOfSums):
    """The number of successes in n trials of one probability, from ``Beta(concentration1, concentration0)``.

    With a and b the two concentrations, the probability of k is ``C(n, k) * B(k + a, n - k + b) / B(a, b)`` *(Johnson,
    Kemp and Kotz 2005, section 6.2.2)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        concentration1: > 0, as of the beta distribution.
        concentration0: > 0, as of the beta distribution.
        total_count: number of trials n, >= 0; enumerable if all are equal.
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
        "total_count": constraints.nonnegative_integer,
    }
    has_enumerate_support = True

    def __init__(
        self,
        concentration1: Tensor | float,
        concentration0: Tensor | float,
        total_count: Tensor | int = 1,
        validate_args: bool | None = None,
    ) -> None:
        if isinstance(total_count, Tensor) and not isinstance(concentration1, Tensor):
            # a count of integer dtype must not decide the dtype of the concentrations
            concentration1 = torch.as_tensor(concentration1, device=total_count.device, dtype=torch.get_default_dtype())
        self.concentration1, self.concentration0, self.total_count = broadcast_all(
            concentration1, concentration0, total_count
        )
        super().__init__(self.total_count.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self.total_count)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            shape = self.shape(sample_shape)
            both = torch.stack([self.concentration1, self.concentration0], -1).expand((*shape, 2))
            probs = SimplexDraws(both, validate_args=False).sample()[..., 0]
            return torch.binomial(self.total_count.expand(shape).to(probs.dtype), probs)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration1, self.concentration0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def variance(self) -> Tensor:
        total = self.concentration1 + self.concentration0
        spread = self.concentration1 * self.concentration0 / total**2
        return self.total_count * spread * (total + self.total_count) / (total + 1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        total = int(self.total_count.max())
        if not bool((self.total_count == total).all()):
            raise NotImplementedError("BetaBinomial with unequal total_count has no common support to enumerate.")
        values = torch.arange(1 + total, dtype=self.concentration1.dtype, device=self.concentration1.device)
        values = values.reshape((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values
