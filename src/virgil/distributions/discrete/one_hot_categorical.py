"""The categorical distribution of one-hot vectors."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import expected_log_ratio, labels
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.discrete.categorical import Categorical
from virgil.ops.sizes import Sizes

__all__ = ["OneHotCategorical"]


@expand_as_torch
class OneHotCategorical(TorchDistributionMixin, td.OneHotCategorical):
    """One label out of n, as a vector with a single 1.

    The probability of the vector with its 1 in place k is ``probs[k] / sum(probs)``. Shape: event ``(n,)``.

    Args:
        probs: weights of the labels, normalised to sum to one. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.
    """

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args=False)
        shape = self._categorical.param_shape
        td.Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        probs = self.probs
        labels = torch.arange(probs.shape[-1], device=probs.device)
        drawn: Tensor = self._categorical.sample(Size(sample_shape))
        return (drawn.unsqueeze(-1) == labels).to(probs.dtype)


@divergence(OneHotCategorical, OneHotCategorical)
def _kl_one_hot(p: td.OneHotCategorical, q: td.OneHotCategorical) -> Tensor:
    return expected_log_ratio(p.probs, labels(p), labels(q)).sum(-1)
