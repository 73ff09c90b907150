"""Draws of counts that are known to be positive, exact and without rejection for the usual families.

A count is split at its first event: a Poisson count of rate r that is positive has its first event at a time t before
r, and a Poisson count of rate r - t after it; trials and jumps of a negative binomial process likewise *(Devroye 1986,
chapter 10)*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.nn.functional import softplus

from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.errors import ArgumentError

__all__ = ["positive_draws"]

_ROUNDS = 10_000  # of draws from a family without a formula, after which it is taken for one that is always zero


def positive_draws(fn: td.Distribution, sample_shape: Size) -> Tensor:
    """Draws of a count given that it is not zero.

    Raises:
        ArgumentError: a family without a formula had no positive draw in 10,000 rounds.
    """
    with torch.no_grad():
        for family in type(fn).__mro__:
            if family in _DRAWS:
                return _DRAWS[family](fn, sample_shape)
        return _by_rejection(fn, sample_shape)


def _by_rejection(fn: td.Distribution, sample_shape: Size) -> Tensor:
    draws = fn.sample(sample_shape)
    for _ in range(_ROUNDS):
        if bool((draws > 0).all()):
            return draws
        draws = torch.where(draws > 0, draws, fn.sample(sample_shape))
    raise ArgumentError(
        f"{type(fn).__name__} had no positive draw in {_ROUNDS} rounds. Its probability of zero is almost one; state "
        "the distribution of positive counts itself."
    )


def _shape(fn: td.Distribution, sample_shape: Size) -> Size:
    return Size(sample_shape) + fn.batch_shape


def _first_event(shape: Size, total: Tensor) -> Tensor:
    """The time of the first event of a Poisson process of rate one that comes before the time ``total``."""
    return -torch.log1p(open_unit_interval(shape, total) * torch.expm1(-total))


def _poisson(fn: Any, sample_shape: Size) -> Tensor:
    shape = _shape(fn, sample_shape)
    return 1 + torch.poisson((fn.rate - _first_event(shape, fn.rate)).clamp_min(0.0))


def _geometric(fn: Any, sample_shape: Size) -> Tensor:
    draws: Tensor = fn.sample(sample_shape)
    return 1 + draws


def _bernoulli(fn: Any, sample_shape: Size) -> Tensor:
    return torch.ones(_shape(fn, sample_shape), dtype=fn.probs.dtype, device=fn.probs.device)


def _binomial(fn: Any, sample_shape: Size) -> Tensor:
    shape = _shape(fn, sample_shape)
    each = softplus(fn.logits)  # that a trial fails has the probability exp(-each)
    first = (_first_event(shape, fn.total_count * each) / each).ceil().clamp_min(1.0)
    left = (fn.total_count - first).clamp_min(0.0)
    return 1 + torch.binomial(left, fn.probs.expand(shape))


def _negative_binomial(fn: Any, sample_shape: Size) -> Tensor:
    """A process of jumps with sizes of the logarithmic distribution, drawn by a mixture *(Kemp 1981)*."""
    shape = _shape(fn, sample_shape)
    rate = softplus(fn.logits)
    left = fn.total_count - _first_event(shape, fn.total_count * rate) / rate
    log_ratio = (-torch.expm1(-rate * open_unit_interval(shape, rate))).log()
    jump = 1 + (open_unit_interval(shape, rate).log() / log_ratio).floor()
    tiny = torch.finfo(rate.dtype).tiny
    gamma = td.Gamma(left.clamp_min(tiny), 1.0, validate_args=False).sample()
    return jump + torch.poisson(gamma * fn.logits.exp())


_DRAWS: dict[type[td.Distribution], Callable[[Any, Size], Tensor]] = {
    td.Bernoulli: _bernoulli,
    td.Binomial: _binomial,
    td.Geometric: _geometric,
    td.NegativeBinomial: _negative_binomial,
    td.Poisson: _poisson,
}
