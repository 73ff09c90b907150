"""Log-probabilities under a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.feasible_value import feasible_value

__all__ = ["counted", "observed_log_prob"]

LogProb = Callable[[Any, Tensor], Tensor]


def observed_log_prob(fn: Any, value: Tensor, mask: bool | Tensor, log_prob: LogProb) -> Tensor:
    """``log_prob(fn, value)`` of an observation that has data only where ``mask`` is true.

    Elsewhere the value may be anything, NaN included. A point of the support takes its place before the log-probability
    is computed, since zero times a NaN derivative would still be NaN.
    """
    if mask is False:
        return torch.zeros(fn.batch_shape, device=value.device)
    if isinstance(mask, Tensor):
        keep = mask.reshape(mask.shape + (1,) * len(fn.event_shape))
        filler = feasible_value(fn.support, fn.batch_shape + fn.event_shape, dtype=value.dtype, device=value.device)
        value = torch.where(keep, value, filler)
    return log_prob(fn, value)


def counted(log_prob: Tensor, mask: bool | Tensor) -> Tensor:
    """``log_prob`` where the mask is true, and zero elsewhere, with a derivative of zero even where it is NaN."""
    if isinstance(mask, Tensor):
        return torch.where(mask, log_prob, log_prob.new_zeros(()))
    return log_prob if mask else torch.zeros_like(log_prob)
