"""The multinomial distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.log_probabilities import repeated
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.discrete.binomial import Binomial
from virgil.distributions.discrete.categorical import Categorical
from virgil.ops.double_precision import in_double

__all__ = ["Multinomial"]


@expand_as_torch
class Multinomial(TorchDistributionMixin, td.Multinomial):
    """The counts of each label in N independent draws: ``N! * prod(p**k / k!)`` for counts k that sum to N.

    Shape: event ``(n,)`` for n labels.

    Args:
        total_count: number of draws N, one integer for the whole batch.
        probs: weights of the labels, normalised to sum to one. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.

    Raises:
        NotImplementedError: ``total_count`` is not one integer.
    """

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(
                f"The total_count of Multinomial is {total_count!r}; it takes one integer for the whole batch."
            )
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args=False)
        shape = self._categorical.param_shape
        td.Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        param = self._categorical._param
        if param is self._categorical.__dict__.get("probs"):
            return in_double(_log_prob_by_probs, value, param.clamp_min(torch.finfo(param.dtype).eps))
        return in_double(_log_prob, value, param)

    def entropy(self) -> Tensor:
        """Entropy, nats, by the counts of one label at a time, which are binomial. Shape: ``(*batch,)``."""
        each = Binomial(self.total_count, self.probs, validate_args=False)
        counts = each.enumerate_support(expand=False)
        log_factorials = each.log_prob(counts).exp() * torch.lgamma(counts + 1)
        draws: Tensor = self.total_count * self._categorical.entropy()
        return draws - math.lgamma(self.total_count + 1) + log_factorials.sum((0, -1))


def _log_prob_by_probs(value: Tensor, probs: Tensor) -> Tensor:
    return _log_prob(value, probs.log())


def _log_prob(value: Tensor, logits: Tensor) -> Tensor:
    ways = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
    # in single precision they sum to one up to a rounding, which counts once a draw
    return ways + repeated(value, torch.log_softmax(logits, -1)).sum(-1)
