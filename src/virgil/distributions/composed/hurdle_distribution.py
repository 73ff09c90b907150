"""Zero with a probability of its own, else a positive value."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.composed.left_truncated_distribution import LeftTruncatedDistribution
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.feasible_value import feasible_value
from virgil.distributions.core.gated_distribution import GatedDistribution
from virgil.distributions.core.positive_counts import positive_draws
from virgil.distributions.core.tails import log_of_rest
from virgil.distributions.discrete.gamma_poisson import GammaPoisson
from virgil.distributions.discrete.negative_binomial import NegativeBinomial
from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["HurdleDistribution"]


@expand_as_torch
class HurdleDistribution(GatedDistribution):
    """Zero with probability ``gate``, else a draw of ``base_dist`` given that it is positive *(Mullahy 1986)*.

    Of a zero-inflated count some zeros come from the counts; here all come from the gate. The probability of k > 0 is
    ``(1 - gate) * p(k) / P(X > 0)``. Over a continuous ``base_dist`` it has a density at x > 0 and a mass at 0: amounts
    of rain, or of claims. Where that takes values of either sign, it needs ``cdf`` and ``icdf``. Shape: ``gate`` and
    ``base_dist`` have ``(*batch,)``, event ``()``.

    Args:
        base_dist: a distribution of counts, or a continuous one of single numbers.
        gate: probability of zero, in [0, 1].
        gate_logits: log-odds of zero, in place of ``gate``.

    Raises:
        ArgumentError: both of ``gate`` and ``gate_logits`` are given, or none; or integers below zero are possible.
        ShapeError: the events of ``base_dist`` are not single numbers.

    >>> import virgil.distributions as dist
    >>> fn = HurdleDistribution(dist.Poisson(2.0), gate=0.25)
    >>> fn.log_prob(torch.tensor([0.0, 1.0])).exp()
    tensor([0.2500, 0.2348])
    """

    def __init__(
        self,
        base_dist: td.Distribution,
        *,
        gate: Tensor | float | None = None,
        gate_logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        support: Any = base_dist.support
        if support.is_discrete and not _is_count(support):
            raise ArgumentError(
                f"HurdleDistribution got {type(base_dist).__name__} with the support {support}; it takes counts, or a "
                "continuous distribution."
            )
        super().__init__(base_dist, gate=gate, gate_logits=gate_logits, validate_args=validate_args)

    @constraints.dependent_property(event_dim=0)
    def support(self) -> Any:
        base: Any = self.base_dist.support
        if base.is_discrete:
            return base
        high = getattr(base, "upper_bound", None)
        return constraints.nonnegative if high is None else constraints.interval(0.0, high)

    def _positive_part(self) -> Any:
        """The distribution of which positive values have a density proportional to the one here."""
        base: Any = self.base_dist
        low = getattr(base.support, "lower_bound", None)
        if base.support.is_discrete or (_is_number(low) and low >= 0):
            return self.base_dist
        return LeftTruncatedDistribution(base, 0.0, validate_args=False)

    def _log_positive(self) -> Tensor:
        """The logarithm of the mass of positive values of the positive part."""
        base: Any = self.base_dist
        if not base.support.is_discrete:
            return torch.zeros_like(self._log_gate()[0])
        none: Tensor = base.log_prob(torch.zeros_like(self._log_gate()[0]))
        return log_of_rest(none)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            shape, part = self.shape(sample_shape), self._positive_part()
            is_zero = torch.bernoulli(self.gate.expand(shape)) == 1
            if not self.support.is_discrete:
                return torch.where(is_zero, 0.0, part.sample(Size(sample_shape)))
            if isinstance(part, GammaPoisson):
                part = NegativeBinomial(part.concentration, logits=-part.rate.log(), validate_args=False)
            return torch.where(is_zero, 0.0, positive_draws(part, Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        part, (log_gate, log_rest) = self._positive_part(), self._log_gate()
        shape = torch.broadcast_shapes(value.shape, self._batch_shape)
        filler = feasible_value(part.support, shape, dtype=value.dtype, device=value.device)
        possible = (value > 0) & part.support.check(value)
        density = part.log_prob(torch.where(possible, value, filler)) - self._log_positive()
        return torch.where(value == 0, log_gate, torch.where(possible, log_rest + density, -torch.inf))

    @property
    def mean(self) -> Tensor:
        mean: Tensor = self._positive_part().mean
        return (1 - self.gate) * mean * (-self._log_positive()).exp()

    @property
    def variance(self) -> Tensor:
        part = self._positive_part()
        square: Tensor = (1 - self.gate) * (part.variance + part.mean.square()) * (-self._log_positive()).exp()
        return square - self.mean.square()


def _is_count(support: Any) -> bool:
    low = getattr(support, "lower_bound", 0 if support is constraints.boolean else None)
    return _is_number(low) and low >= 0


def _is_number(bound: object) -> TypeGuard[float]:
    return isinstance(bound, (int, float))
