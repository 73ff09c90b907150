"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions.utils import broadcast_all

from virgil.distributions.continuous.uniform import Uniform
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import inside
from virgil.distributions.core.trials import Trials
from virgil.ops.double_precision import in_double

__all__ = ["ContinuousBernoulli"]

_SMALL = 0.01  # half the logits below which a series is exact to twelve digits


@expand_as_torch
class ContinuousBernoulli(Trials, td.ContinuousBernoulli):
    """A number in [0, 1] with density proportional to ``p**x * (1 - p)**(1 - x)``.

    *(Loaiza-Ganem and Cunningham 2019)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: p in (0, 1); it is not the mean.
        logits: log-odds of p, in place of ``probs``.
        lims: interval around 1/2 in which draws come from a uniform distribution.
    """

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(probs, logits, lims, validate_args)
        if probs is not None:
            # torch takes every probability below its epsilon for that
            (given,) = broadcast_all(probs)
            self.probs = self._param = inside(given)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.logits)

    @property
    def mean(self) -> Tensor:
        return in_double(_mean, self.logits)

    @property
    def variance(self) -> Tensor:
        return in_double(_variance, self.logits)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.logits)


def _log_prob(value: Tensor, logits: Tensor) -> Tensor:
    return value * logits - _log_mass(logits)


def _log_mass(logits: Tensor) -> Tensor:
    """The logarithm of the integral of ``exp(x * logits)``, which is ``exp(h) * sinh(h) / h`` at half the logits, h."""
    half = logits / 2
    is_small = half.abs() < _SMALL
    size = torch.where(is_small, 1.0, half.abs())
    log_sinh = size + torch.log1p(-torch.exp(-2 * size)) - math.log(2.0)
    square = half.square()
    series = square / 6 - square.square() / 180 + square**3 / 2835
    return half + torch.where(is_small, series, log_sinh - size.log())


@divergence(ContinuousBernoulli, ContinuousBernoulli)
def _kl_continuous_bernoulli(p: td.ContinuousBernoulli, q: td.ContinuousBernoulli) -> Tensor:
    return in_double(_divergence, p.logits, q.logits)


def _divergence(logits: Tensor, other: Tensor) -> Tensor:
    return _mean(logits) * (logits - other) - _log_mass(logits) + _log_mass(other)


def _mean(logits: Tensor) -> Tensor:
    """The derivative of the logarithm of the mass: ``(1 + coth(h) - 1 / h) / 2`` at half the logits, h."""
    half = logits / 2
    is_small = half.abs() < _SMALL
    safe = torch.where(is_small, 1.0, half)
    series = half / 3 - half**3 / 45 + 2 * half**5 / 945
    return (1 + torch.where(is_small, series, 1 / torch.tanh(safe) - 1 / safe)) / 2


def _variance(logits: Tensor) -> Tensor:
    """The second derivative: ``(1 / h**2 - 1 / sinh(h)**2) / 4``."""
    half = logits / 2
    is_small = half.abs() < _SMALL
    safe = torch.where(is_small, 1.0, half)
    square = half.square()
    series = (1 - square / 5 + 2 * square.square() / 63) / 3
    return torch.where(is_small, series, safe.square().reciprocal() - torch.sinh(safe).square().reciprocal()) / 4


def _entropy(logits: Tensor) -> Tensor:
    return _log_mass(logits) - _mean(logits) * logits


@divergence(ContinuousBernoulli, Uniform)
def _kl_continuous_bernoulli_uniform(p: td.ContinuousBernoulli, q: td.Uniform) -> Tensor:
    # torch counts an interval with the ends 0 and 1 as too small
    value = (q.high - q.low).log() - in_double(_entropy, p.logits)
    return torch.where((q.low > 0) | (q.high < 1), torch.inf, value)


@divergence(Uniform, ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p: td.Uniform, q: td.ContinuousBernoulli) -> Tensor:
    value = in_double(_from_uniform, p.low, p.high, q.logits)
    return torch.where((p.low < 0) | (p.high > 1), torch.inf, value)


def _from_uniform(low: Tensor, high: Tensor, logits: Tensor) -> Tensor:
    return _log_mass(logits) - logits * (low + high) / 2 - (high - low).log()
