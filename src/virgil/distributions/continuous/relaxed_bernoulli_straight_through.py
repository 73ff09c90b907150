"""The relaxed Bernoulli distribution whose draws are zeros and ones."""

from __future__ import annotations

from typing import cast

import torch
from torch import Size, Tensor

from virgil.distributions.continuous.relaxed_bernoulli import RelaxedBernoulli
from virgil.ops.quantization import QuantizeBernoulli
from virgil.ops.sizes import Sizes

__all__ = ["RelaxedBernoulliStraightThrough"]


class RelaxedBernoulliStraightThrough(RelaxedBernoulli):
    """`RelaxedBernoulli` whose ``rsample`` is rounded to 0 or 1, with the derivative of the unrounded draw.

    Such a draw remembers the unrounded one, at which ``log_prob`` is taken; of any other value ``log_prob`` is that of
    the relaxed distribution. The derivative is biased *(Jang, Gu and Poole 2017, section 2.2)*. ``sample``
    gives relaxed draws. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        temperature: > 0; towards 0 unrounded draws gather at 0 and 1.
        probs: probability of 1.
        logits: log-odds of 1, in place of ``probs``.
    """

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        soft = super().rsample(sample_shape)
        hard = cast(Tensor, QuantizeBernoulli.apply(soft))
        hard._unquantize = soft  # type: ignore[attr-defined]
        return hard

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return super().rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob(getattr(value, "_unquantize", value))
