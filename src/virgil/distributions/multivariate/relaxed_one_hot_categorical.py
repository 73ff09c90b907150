"""The relaxed one-hot distribution, also called Concrete and Gumbel-softmax."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["RelaxedOneHotCategorical"]


class RelaxedOneHotCategorical(TorchDistributionMixin, td.RelaxedOneHotCategorical):
    """A vector inside the simplex that gathers at the corners: a one-hot vector made continuous.

    It is the softmax of ``(logits + noise) / temperature`` with standard Gumbel noise *(Maddison, Mnih and Teh 2017;
    Jang, Gu and Poole 2017)*. Shape: event ``(n,)``.

    Args:
        temperature: one number > 0; towards 0 draws gather at the corners.
        probs: weights of the labels. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.
    """
