"""The normal distribution of observations some of which are missing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.constraints import Constraint

from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.missing_values import real_or_missing

__all__ = ["NanMaskedNormal"]


class NanMaskedNormal(Normal):
    """`Normal` that leaves out what is NaN: a missing value has log-probability 0.

    A NaN reaches neither the value nor the gradient. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: mean.
        scale: standard deviation, > 0.

    >>> NanMaskedNormal(0.0, 1.0).log_prob(torch.tensor([0.5, torch.nan]))
    tensor([-1.0439,  0.0000])
    """

    support: Constraint = real_or_missing  # type: ignore[assignment]

    def log_prob(self, value: Tensor) -> Tensor:
        is_there = ~value.isnan()
        return torch.where(is_there, super().log_prob(torch.where(is_there, value, self.loc.detach())), 0.0)
