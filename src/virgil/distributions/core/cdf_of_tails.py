"""Distribution functions and quantiles of families of which the masses of both tails are known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.tails import tails_of

__all__ = ["CdfOfTails", "QuantilesOfTails"]


class CdfOfTails(td.Distribution):
    """Abstract base of families that have formulas in `tails_of`: ``cdf``, with derivatives by all parameters."""

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return tails_of(self).log_below(self, value).exp()


class QuantilesOfTails(CdfOfTails):
    """One that is continuous: ``icdf`` too, with derivatives of first order."""

    def icdf(self, value: Tensor) -> Tensor:
        tails = tails_of(self)
        is_low = value < 0.5
        below = tails.from_below(self, torch.where(is_low, value, 0.5))
        above = tails.from_above(self, torch.where(is_low, 0.5, 1 - value))
        return torch.where(is_low, below, above)
