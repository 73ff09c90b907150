"""The relaxed Bernoulli distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.nn.functional import softplus

from virgil.distributions.core.log_probabilities import inside, log_odds
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.sizes import Sizes

__all__ = ["RelaxedBernoulli"]


class RelaxedBernoulli(TorchDistributionMixin, td.RelaxedBernoulli):
    """A number in (0, 1) that gathers at 0 and 1: a Bernoulli variable made continuous.

    It is the sigmoid of ``(logits + noise) / temperature`` with standard logistic noise *(Maddison, Mnih and Teh 2017;
    Jang, Gu and Poole 2017)*. With ``d = logits - temperature * logit(x)`` the density is ``temperature * exp(d) / (x *
    (1 - x) * (1 + exp(d))**2)``. Draws that round to 0 or 1 count as the numbers next to these. Shape: parameters
    ``(*batch,)``, event ``()``.

    Args:
        temperature: > 0; towards 0 draws gather at 0 and 1.
        probs: probability of 1.
        logits: log-odds of 1, in place of ``probs``; infinite where all mass lies on 0 or 1.
    """

    @property
    def logits(self) -> Tensor:
        """Log-odds of 1. Shape: ``(*batch,)``."""
        given = self.base_dist._param
        return log_odds(given) if given is self.base_dist.__dict__.get("probs") else given

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        # torch's clamps the probability, and with it the derivative of a logit beyond 16
        shape = self._extended_shape(sample_shape)
        logits = self.logits
        uniform = inside(torch.rand(shape, dtype=logits.dtype, device=logits.device))
        return torch.sigmoid((logits + uniform.log() - (-uniform).log1p()) / self.temperature)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, one = self.logits, inside(value)
        log_one, log_zero = one.log(), (-one).log1p()
        distance = (logits - self.temperature * (log_one - log_zero)).abs()
        density = self.temperature.log() - distance - 2 * softplus(-distance) - log_one - log_zero
        # all mass on 0 or on 1
        return torch.where(logits.isinf(), torch.where(value == (logits > 0), 0.0, -torch.inf), density)
