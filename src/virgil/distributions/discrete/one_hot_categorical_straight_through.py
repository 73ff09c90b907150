"""The categorical distribution of one-hot vectors whose draws pass gradients on."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.discrete.one_hot_categorical import OneHotCategorical

__all__ = ["OneHotCategoricalStraightThrough"]


class OneHotCategoricalStraightThrough(OneHotCategorical, td.OneHotCategoricalStraightThrough):
    """`OneHotCategorical` whose draws pass on the gradient of ``probs`` *(Bengio, Léonard and Courville 2013)*.

    That gradient is biased. Shape: event ``(n,)``.

    Args:
        probs: weights of the labels, normalised to sum to one. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.
    """
