"""The relaxed Bernoulli distribution."""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["RelaxedBernoulli"]


class RelaxedBernoulli(TorchDistributionMixin, td.RelaxedBernoulli):
    """A number in (0, 1) that gathers at 0 and 1: a Bernoulli variable made continuous.

    It is the sigmoid of ``(logits + noise) / temperature`` with standard logistic noise *(Maddison, Mnih and Teh 2017;
    Jang, Gu and Poole 2017)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        temperature: > 0; towards 0 draws gather at 0 and 1.
        probs: probability of 1.
        logits: log-odds of 1, in place of ``probs``.
    """
