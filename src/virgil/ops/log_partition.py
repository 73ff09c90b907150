"""Expectations in exponential families over finite sets, as derivatives of the log-partition function."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["expected_indicators", "exponential_entropy"]

_LogPartition = Callable[[Tensor], Tensor]


def expected_indicators(log_partition: _LogPartition, logits: Tensor) -> Tensor:
    """The probability that each logit is among those which a draw sums: the derivative of the log-partition function.

    Args:
        log_partition: from logits, Shape: ``(*batch, *logits)``, to ``(*batch,)``.
        logits: those of independent distributions along the batch dims.
    """
    found: Tensor = torch.func.grad(lambda logits: log_partition(logits).sum())(logits)
    return found


def exponential_entropy(log_partition: _LogPartition, logits: Tensor, event_dim: int) -> Tensor:
    """The entropy of a distribution with log-probability ``sum of chosen logits - log_partition(logits)``, nats.

    Args:
        log_partition: as for :func:`expected_indicators`.
        logits: their rightmost ``event_dim`` dims belong to one distribution.
        event_dim: the number of these dims.
    """
    expected = expected_indicators(log_partition, logits)
    chosen = torch.where(expected > 0, expected * torch.where(expected > 0, logits, 0.0), 0.0)
    return log_partition(logits) - chosen.flatten(-event_dim).sum(-1)
