"""The hypergeometric distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.cdf_of_sums import CdfOfSums
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.beta_function import log_binomial
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["HyperGeometric"]

_ROUNDS, _SINGLE = 8, 48


@expand_parameters
class HyperGeometric(TorchDistributionMixin, CdfOfSums):
    """The number of successes among n items that are drawn from N without putting any back, K of which are successes.

    The probability of k is ``C(K, k) C(N - K, n - k) / C(N, n)`` *(Johnson, Kemp and Kotz 2005, section 6.2.1)*. The
    logarithm is exact to 1e-9 for populations up to a million. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        population_count: N >= 0.
        success_count: K, from 0 to N.
        draw_count: n, from 0 to N.
    """

    arg_constraints = {
        "population_count": constraints.nonnegative_integer,
        "success_count": constraints.nonnegative_integer,
        "draw_count": constraints.nonnegative_integer,
    }

    def __init__(
        self,
        population_count: Tensor | float,
        success_count: Tensor | float,
        draw_count: Tensor | float,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self.population_count, self.success_count, self.draw_count = broadcast_all(
            population_count, success_count, draw_count
        )
        super().__init__(self.draw_count.shape, validate_args=validate_args)
        if self._validate_args:
            most = torch.maximum(self.success_count, self.draw_count)
            if not bool((most <= self.population_count).all()):
                raise ValueError(
                    "HyperGeometric got a success_count or a draw_count above its population_count. Both count items "
                    "of the population."
                )

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        least = (self.success_count + self.draw_count - self.population_count).clamp_min(0)
        return constraints.integer_interval(least, torch.minimum(self.success_count, self.draw_count))

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            shape = self.shape(sample_shape)
            counts = self.population_count, self.success_count, self.draw_count
            return _draw(*(each.double().expand(shape) for each in counts)).to(self.draw_count.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_prob = in_double(_log_prob, value, self.population_count, self.success_count, self.draw_count)
        return log_prob if log_prob.is_floating_point() else log_prob.to(torch.get_default_dtype())

    @property
    def mean(self) -> Tensor:
        return self.draw_count * self.success_count / self.population_count

    @property
    def variance(self) -> Tensor:
        total = self.population_count
        share = self.success_count / total
        return self.draw_count * share * (1 - share) * (total - self.draw_count) / (total - 1).clamp_min(1)


def _log_prob(value: Tensor, total: Tensor, successes: Tensor, draws: Tensor) -> Tensor:
    ways = log_binomial(successes, value) + log_binomial(total - successes, draws - value)
    return ways - log_binomial(total, draws)


def _draw(total: Tensor, successes: Tensor, draws: Tensor) -> Tensor:
    """Draws, in double precision.

    Each item is taken with probability ``draws / total``, and then some of those taken are put back or some of the
    others are taken, without replacement: a draw of the same kind, of about the square root as many items. After some
    rounds few are left, which are drawn one by one.
    """
    found = torch.zeros_like(total)
    sign = torch.ones_like(total)
    for _ in range(_ROUNDS):
        share = (draws / total.clamp_min(1.0)).clamp(0.0, 1.0)
        good, bad = torch.binomial(successes, share), torch.binomial(total - successes, share)
        excess = good + bad - draws
        many = excess > 0
        found = found + sign * good
        # those put back are drawn from those taken, and those missing from the rest
        total = torch.where(many, good + bad, total - good - bad)
        successes = torch.where(many, good, successes - good)
        sign, draws = torch.where(many, -sign, sign), excess.abs()
    uniform = torch.rand((_SINGLE, *total.shape), dtype=total.dtype, device=total.device)
    for each in uniform.unbind(0):
        hit = ((each * total < successes) & (draws > 0)).to(total)
        found, successes = found + sign * hit, successes - hit
        total, draws = total - 1, draws - 1
    return found
