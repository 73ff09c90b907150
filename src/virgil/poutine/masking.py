"""Log-probability under a mask."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.distributions.feasible import feasible_value

__all__ = ["masked_log_prob"]


def masked_log_prob(fn: Any, value: Tensor, mask: bool | Tensor, observed: bool) -> Tensor:
    """``fn.log_prob(value)``, zero where the mask is false.

    An observation that is masked out may be anything, NaN included. It is replaced by a point of the support before
    the log-probability is taken, since zero times a NaN derivative would still be NaN.
    """
    if mask is False:
        return torch.zeros(fn.batch_shape, device=value.device)
    if mask is True:
        return fn.log_prob(value)  # type: ignore[no-any-return]
    if observed:
        event_dim = len(fn.event_shape)
        keep = mask.reshape(mask.shape + (1,) * event_dim)
        filler = feasible_value(fn.support, fn.batch_shape + fn.event_shape, dtype=value.dtype, device=value.device)
        value = torch.where(keep, value, filler)
    log_prob = fn.log_prob(value)
    return torch.where(mask, log_prob, log_prob.new_zeros(()))
