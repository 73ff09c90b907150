"""The relaxed one-hot distribution whose draws are one-hot vectors."""

from __future__ import annotations

from typing import cast

import torch
from torch import Size, Tensor

from virgil.distributions.multivariate.relaxed_one_hot_categorical import RelaxedOneHotCategorical
from virgil.ops.quantization import QuantizeCategorical
from virgil.ops.sizes import Sizes

__all__ = ["RelaxedOneHotCategoricalStraightThrough"]


class RelaxedOneHotCategoricalStraightThrough(RelaxedOneHotCategorical):
    """`RelaxedOneHotCategorical` whose ``rsample`` is rounded to a corner, with the derivative of the unrounded draw.

    Such a draw remembers the unrounded one, at which ``log_prob`` is taken; of any other value ``log_prob`` is that of
    the relaxed distribution. The derivative is biased *(Jang, Gu and Poole 2017, section 2.2)*. ``sample``
    gives relaxed draws. Shape: event ``(n,)``.

    Args:
        temperature: one number > 0; towards 0 unrounded draws gather at the corners.
        probs: weights of the labels. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.
    """

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        soft = super().rsample(sample_shape)
        hard = cast(Tensor, QuantizeCategorical.apply(soft))
        hard._unquantize = soft  # type: ignore[attr-defined]
        return hard

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return super().rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob(getattr(value, "_unquantize", value))
