"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any, Self

from torch import Tensor
from torch import distributions as td
from torch.distributions.utils import lazy_property

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.log_probabilities import expected_log_ratio, labels, log_probs, times
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.row_softmax import log_softmax_of_rows, softmax_of_rows
from virgil.ops.sizes import Sizes

__all__ = ["Categorical"]


class Categorical(TorchDistributionMixin, td.Categorical):
    """One of the labels 0, ..., n - 1, each with its own probability.

    The probability of k is ``probs[k] / sum(probs)``. Shape: event ``()``.

    Args:
        probs: weights of the labels, normalised to sum to one. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``; minus infinity for a label that is impossible. Shape: ``(*batch,
            n)``.
    """

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        if logits is None or probs is not None or logits.dim() < 1:
            super().__init__(probs, logits, validate_args)
            return
        # one fused operation in place of torch's two, whose backward pass is a third cheaper
        self.logits = self._param = log_softmax_of_rows(logits)
        self._num_events = logits.shape[-1]
        td.Distribution.__init__(self, logits.shape[:-1], validate_args=validate_args)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-probability of each label. Shape: ``(*batch, n)``."""
        return log_probs(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability of each label. Shape: ``(*batch, n)``."""
        # its derivatives cancel less than those of an exponential; draws are faster from whole rows
        return softmax_of_rows(self.logits).contiguous()

    def entropy(self) -> Tensor:
        return -times(self.probs, self.logits).sum(-1)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Categorical, _instance)
        own = self._narrow_logits()  # computed before the batch grows, however often the labels' weights are repeated
        new = super().expand(batch_shape, new)
        new.__dict__["_own_logits"] = own
        return new

    def _narrow_logits(self) -> Tensor:
        """The logits as they were before any ``expand``."""
        own = self.__dict__.get("_own_logits")
        return self.logits if own is None else own

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        own = self._narrow_logits()
        if value.shape == own.shape[:-1]:
            scores = own.gather(-1, value.long().unsqueeze(-1)).squeeze(-1)
        else:
            scores = _taken(own, value.long())
        if own is self.logits or scores.shape == self._batch_shape:
            return scores
        return scores.expand(broadcast_shapes(self._batch_shape, value.shape))


def _taken(logits: Tensor, labels: Tensor) -> Tensor:
    """The logit of each label; batch dims of either may have size 1. Time and memory grow with the result alone.

    Shape: ``(*batch, n)`` and ``(*labels)`` give the two broadcast.
    """
    dims = max(logits.dim() - 1, labels.dim())
    rows = [1] * (dims - logits.dim() + 1) + list(logits.shape[:-1])
    sizes = [1] * (dims - labels.dim()) + list(labels.shape)
    shared = [dim for dim in range(dims) if rows[dim] != 1 and sizes[dim] != 1]
    of_logits = [dim for dim in range(dims) if rows[dim] != 1 and sizes[dim] == 1]
    of_labels = [dim for dim in range(dims) if rows[dim] == 1]
    table = logits.reshape(*rows, -1).permute(*shared, *of_logits, *of_labels, dims)
    index = labels.reshape(sizes).permute(*shared, *of_labels, *of_logits)
    kept, free = [rows[dim] for dim in shared], [rows[dim] for dim in of_logits]
    table = table.reshape(math.prod(kept), math.prod(free), logits.shape[-1])
    index = index.reshape(math.prod(kept), 1, -1).expand(-1, table.shape[1], -1)
    taken = table.gather(-1, index).reshape(*kept, *free, *(sizes[dim] for dim in of_labels))
    order = [*shared, *of_logits, *of_labels]
    return taken.permute([order.index(dim) for dim in range(dims)])


@divergence(Categorical, Categorical)
def _kl_categorical(p: td.Categorical, q: td.Categorical) -> Tensor:
    return expected_log_ratio(p.probs, labels(p), labels(q)).sum(-1)
