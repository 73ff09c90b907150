"""Distribution functions of counts between bounds, as sums of their probabilities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.cdf_of_tails import QuantilesOfCounts
from virgil.distributions.core.tails import Tails
from virgil.distributions.core.validation import unchecked

__all__ = ["CdfOfSums"]

_NEVER = -1e30  # the logarithm of nothing, where minus infinity would make derivatives NaN


def _log_probs(fn: Any) -> tuple[Tensor, int]:
    """The log-probability of each count between the bounds of all batch entries, and the first of the counts.

    Shape: ``(counts, *batch)``.
    """
    support = fn.support
    low, high = (torch.as_tensor(each) for each in (support.lower_bound, support.upper_bound))
    least, most = int(low.min()), int(high.max())
    steps = torch.arange(least, most + 1, device=high.device).reshape((-1,) + (1,) * len(fn.batch_shape))
    inside = (steps >= low) & (steps <= high)
    counts = torch.minimum(torch.maximum(steps, low), high)
    with unchecked():
        log_prob: Tensor = fn.log_prob(counts.to(fn.mean.dtype))
    return torch.where(inside, log_prob.double(), _NEVER), least


def _picked(sums: Tensor, places: Tensor) -> Tensor:
    """The sum at each place, counted from zero; nothing before the first one.

    Shape: ``(counts, *batch)`` and a shape that ends in that of the batch.
    """
    shape = torch.broadcast_shapes(places.shape, sums.shape[1:])
    rows = places.expand(shape).reshape(-1, *sums.shape[1:])
    taken = sums.gather(0, rows.clamp(0, len(sums) - 1))
    return torch.where((rows < 0) | (taken < _NEVER / 2), -torch.inf, taken).reshape(shape)


def _log_below(fn: Any, value: Tensor) -> Tensor:
    each, least = _log_probs(fn)
    places = value.detach().floor().clamp(least - 1, least + len(each)).long() - least
    return _picked(each.logcumsumexp(0).clamp_max(0.0), places).to(fn.mean.dtype)


def _log_above(fn: Any, value: Tensor) -> Tensor:
    each, least = _log_probs(fn)
    places = least + len(each) - 2 - value.detach().floor().clamp(least - 1, least + len(each)).long()
    return _picked(each.flip(0).logcumsumexp(0).clamp_max(0.0), places).to(fn.mean.dtype)


class CdfOfSums(QuantilesOfCounts):
    """Abstract base of families of counts from a least to a largest one, without a formula for sums.

    Time and memory are proportional to the number of counts; a graph cannot hold a sum whose length is that of a
    tensor's value.
    """

    _tails = Tails(
        _log_below,
        _log_above,
        lambda fn, mass: fn.icdf(mass),
        lambda fn, mass: fn.icdf(1 - mass),
    )
