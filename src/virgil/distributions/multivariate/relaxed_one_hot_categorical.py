"""The relaxed one-hot distribution, also called Concrete and Gumbel-softmax."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.log_probabilities import inside, labels
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.row_softmax import softmax_of_rows
from virgil.ops.sizes import Sizes

__all__ = ["RelaxedOneHotCategorical"]


class RelaxedOneHotCategorical(TorchDistributionMixin, td.RelaxedOneHotCategorical):
    r"""A vector inside the simplex that gathers at the corners: a one-hot vector made continuous.

    It is the softmax of ``(logits + noise) / temperature`` with standard Gumbel noise *(Maddison, Mnih and Teh 2017;
    Jang, Gu and Poole 2017)*. With the temperature t the density is :math:`(n - 1)!\, t^{n - 1} \prod_i p_i x_i^{-t -
    1} / (\sum_i p_i x_i^{-t})^n`. An impossible label has an entry of 0, and the density is that of the other entries.
    Entries that round to 0 count as the number next to it. Shape: event ``(n,)``.

    Args:
        temperature: one number > 0; towards 0 draws gather at the corners.
        probs: weights of the labels. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.
    """

    @property
    def logits(self) -> Tensor:
        """The log-probability of each label, minus infinity where it is impossible. Shape: ``(*batch, n)``."""
        return labels(self.base_dist._categorical)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        logits = self.logits
        shape = self._extended_shape(sample_shape)
        uniform = inside(torch.rand(shape, dtype=logits.dtype, device=logits.device))
        return softmax_of_rows((logits - (-uniform.log()).log()) / self.temperature)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, temperature = self.logits, self.temperature
        logits, value = torch.broadcast_tensors(logits, value)
        possible = logits > -torch.inf
        logs = value.clamp_min(torch.finfo(value.dtype).tiny).log()
        scores = logits - temperature * logs
        each = torch.where(possible, scores - scores.logsumexp(-1, keepdim=True) - logs, 0.0).sum(-1)
        count = possible.to(value.dtype).sum(-1)
        density = each + torch.lgamma(count) + (count - 1) * temperature.log()
        return torch.where((possible | (value == 0)).all(-1), density, -torch.inf)
