"""The geometric distribution."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td
from torch.distributions.utils import lazy_property

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.log_probabilities import binary, expected_log_ratio, log_odds, repeated, times
from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = ["Geometric"]


class Geometric(TorchDistributionMixin, td.Geometric):
    """The number of failures before the first success: ``p * (1 - p)**k`` for k = 0, 1, 2, ...

    Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        probs: probability p of success, in (0, 1].
        logits: log-odds of success, in place of ``probs``; infinity where failure is impossible.
    """

    @lazy_property
    def logits(self) -> Tensor:
        """Log-odds of success. Shape: ``(*batch,)``."""
        return log_odds(self.probs)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        each = binary(self)
        return repeated(value, each.log_failure) + each.log_success

    def entropy(self) -> Tensor:
        each = binary(self)
        return -times(each.failure, each.log_failure) / each.success - each.log_success


@divergence(Geometric, Geometric)
def _kl_geometric(p: td.Geometric, q: td.Geometric) -> Tensor:
    ours, others = binary(p), binary(q)
    failures = expected_log_ratio(ours.failure / ours.success, ours.log_failure, others.log_failure)
    return failures + ours.log_success - others.log_success
