"""Logarithms of probabilities that may be zero, and sums in which they are weighted by probabilities.

A probability given as ``logits`` is zero where the logit is infinite. One given as ``probs`` is zero where it says so;
its logarithm is then that of the smallest normal number, with a derivative of zero, as an exact zero among ``probs`` is
mostly a rounded one. Divergences and entropies count it as impossible, and nothing that is impossible contributes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

__all__ = ["Binary", "binary", "expected_log_ratio", "labels", "log_odds", "log_probs", "repeated", "times"]

_MARGIN = 0.01  # beyond rounding of the logarithm that stands for zero


def log_probs(probs: Tensor) -> Tensor:
    """The logarithms of probabilities; that of zero is the logarithm of the smallest normal number."""
    return probs.clamp_min(torch.finfo(probs.dtype).tiny).log()


def log_odds(probs: Tensor) -> Tensor:
    """``log(p / (1 - p))``, finite also for 0 and 1. Next to 1 it resolves no more than the dtype does."""
    limits = torch.finfo(probs.dtype)
    probs = probs.clamp(limits.tiny, 1 - limits.eps)
    return probs.log() - (-probs).log1p()


def times(probs: Tensor, logs: Tensor) -> Tensor:
    """``probs * logs``, and 0 with a derivative of 0 where the probability is 0."""
    possible = probs > 0
    return torch.where(possible, probs, 0.0) * torch.where(possible, logs, 0.0)


def expected_log_ratio(probs: Tensor, logs: Tensor, other_logs: Tensor) -> Tensor:
    """``probs * (logs - other_logs)``: 0 where the probability is 0, infinity where only the other one is."""
    possible = probs > 0
    ratio = torch.where(possible, logs, 0.0) - torch.where(possible, other_logs, 0.0)
    return torch.where(possible, probs, 0.0) * ratio


def labels(fn: Any) -> Tensor:
    """The log-probability of each label of a categorical distribution; minus infinity where it is impossible.

    Shape: ``(*batch, labels)``.
    """
    probs, logits = fn.probs, fn.logits
    # logits of one's own that are so large have a probability above zero
    impossible = (probs == 0) & (logits >= math.log(torch.finfo(probs.dtype).tiny) - _MARGIN)
    return torch.where(impossible, -torch.inf, logits)


class Binary(NamedTuple):
    """The probabilities of success and failure, and their logarithms. Shape: ``(*batch,)``."""

    success: Tensor
    failure: Tensor
    log_success: Tensor
    log_failure: Tensor


def binary(fn: Any) -> Binary:
    """Success and failure of a distribution with ``probs`` and ``logits`` of success."""
    probs, logits = fn.probs, fn.logits
    limits = torch.finfo(probs.dtype)
    # finite logits that are so large are those of a probability given as 0 or 1: of others it would not be rounded
    never = (probs == 0) & ((logits >= math.log(limits.tiny) - _MARGIN) | logits.isinf())
    always = (probs == 1) & ((logits <= -math.log(limits.eps) + _MARGIN) | logits.isinf())
    failure = torch.where(never, 1.0, torch.where(always, 0.0, torch.sigmoid(-logits)))
    return Binary(
        torch.where(always, 1.0, probs),
        failure,
        torch.where(never, -torch.inf, logsigmoid(logits)),
        torch.where(always, -torch.inf, logsigmoid(-logits)),
    )


def repeated(count: Tensor, logs: Tensor) -> Tensor:
    """``count * logs``, and 0 where something impossible is counted no times: the logarithm of a power."""
    return count * torch.where((count == 0) & (logs == -torch.inf), 0.0, logs)
