"""Distribution functions and quantiles of families of which the masses of both tails are known."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.tails import tails_of
from virgil.distributions.core.validation import unchecked
from virgil.ops.count_quantiles import count_quantile

__all__ = ["CdfOfTails", "QuantilesOfCounts", "QuantilesOfTails"]


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


class QuantilesOfCounts(CdfOfTails):
    """One of counts from a least one on: ``icdf`` by a search on ``cdf``, for tensors that have numbers."""

    def icdf(self, value: Tensor) -> Tensor:
        """The least count k with ``cdf(k) >= value``, without a derivative; a graph cannot hold the search.

        Args:
            value: probabilities; of one outside [0, 1] the quantile is NaN.
        """
        support: Any = self.support
        low, high = (
            torch.as_tensor(getattr(support, name, torch.inf), dtype=self.mean.dtype, device=self.mean.device)
            for name in ("lower_bound", "upper_bound")
        )
        shape = torch.broadcast_shapes(value.shape, self.batch_shape)
        with torch.no_grad(), unchecked():
            return count_quantile(self.cdf, value.expand(shape), low, high)
