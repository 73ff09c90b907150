"""Families with a probability of success, given as it is or by its log-odds."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions.utils import lazy_property

from virgil.distributions.core.log_probabilities import inside, is_by_probs, log_odds
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double

__all__ = ["CountsOfTrials", "Trials", "real_count"]


def real_count(total_count: Tensor | float, *others: Tensor | float | None) -> Tensor | float:
    """The count, as a tensor of floats where it is one of integers: torch rounds a number beside such a tensor."""
    if not isinstance(total_count, Tensor) or total_count.is_floating_point():
        return total_count
    tensors = (each for each in others if isinstance(each, Tensor))
    return total_count.to(next((each.dtype for each in tensors), torch.get_default_dtype()))


class Trials(TorchDistributionMixin):
    """The base of these families; it comes before torch's class."""

    probs: Tensor

    @lazy_property
    def logits(self) -> Tensor:
        """Log-odds of success. Shape: ``(*batch,)``."""
        return log_odds(self.probs)


class CountsOfTrials(Trials):
    """The base of those that count, with a ``total_count``."""

    total_count: Tensor

    def _in_double(self, formula: Callable[[Tensor, Tensor, Tensor], Tensor], value: Tensor) -> Tensor:
        """A formula of a count, ``total_count`` and log-odds; single log-odds would be off by a rounding a trial."""
        if is_by_probs(self):
            return in_double(
                lambda count, total, probs: formula(count, total, log_odds(probs)),
                value,
                self.total_count,
                inside(self.probs),
            )
        return in_double(formula, value, self.total_count, self.logits)
