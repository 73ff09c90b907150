"""Logarithms of probabilities that may be zero, and sums in which they are weighted by probabilities.

A probability given as ``logits`` is zero where the logit is infinite. One given as ``probs`` is zero where it says so.
The logarithm of a label's below the dtype's ``eps`` is that of ``eps``, with a derivative of zero, as with torch: it is
mostly a rounded one, as in draws of a sparse Dirichlet, and its derivative may be too large for the dtype. Success and
failure of a trial count down to the smallest normal number. Divergences and entropies count an exact zero as
impossible, and nothing that is impossible contributes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

__all__ = [
    "Binary",
    "binary",
    "divergence_of_trials",
    "expected_log_ratio",
    "inside",
    "is_by_probs",
    "labels",
    "log_odds",
    "log_probs",
    "repeated",
    "times",
]

_MARGIN = 0.01  # beyond rounding of the logarithm that stands for zero


def log_probs(probs: Tensor) -> Tensor:
    """The logarithms of labels' probabilities; one below the dtype's ``eps`` counts as ``eps``."""
    return probs.clamp_min(torch.finfo(probs.dtype).eps).log()


def inside(probs: Tensor) -> Tensor:
    """Probabilities between the smallest normal number and the largest that the dtype tells from 1."""
    limits = torch.finfo(probs.dtype)
    return probs.clamp(limits.tiny, 1 - limits.eps)


def log_odds(probs: Tensor) -> Tensor:
    """``log(p / (1 - p))``, finite also for 0 and 1."""
    probs = inside(probs)
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
    impossible = (probs == 0) & (logits >= math.log(torch.finfo(probs.dtype).eps) - _MARGIN)
    return torch.where(impossible, -torch.inf, logits)


class Binary(NamedTuple):
    """The probabilities of success and failure, and their logarithms, in double precision. Shape: ``(*batch,)``."""

    success: Tensor
    failure: Tensor
    log_success: Tensor
    log_failure: Tensor


def binary(fn: Any) -> Binary:
    """Success and failure of a distribution with ``probs`` or ``logits`` of success."""
    if is_by_probs(fn):
        probs = fn.probs.double()
        never, always = probs == 0, probs == 1
        log_success = torch.where(never, -torch.inf, torch.where(never, 1.0, probs).log())
        log_failure = torch.where(always, -torch.inf, (-torch.where(always, 0.0, probs)).log1p())
        return Binary(probs, 1 - probs, log_success, log_failure)
    probs, logits = fn.probs, fn.logits
    limits = torch.finfo(probs.dtype)
    # finite logits that are so near are those of a probability given as 0 or 1: of others it would not be rounded
    never = (probs == 0) & ((logits >= math.log(limits.tiny) - _MARGIN) | logits.isinf())
    always = (probs == 1) & ((logits <= -math.log(limits.eps) + _MARGIN) | logits.isinf())
    wide = logits.double()
    return Binary(
        torch.where(never, 0.0, torch.where(always, 1.0, torch.sigmoid(wide))),
        torch.where(never, 1.0, torch.where(always, 0.0, torch.sigmoid(-wide))),
        torch.where(never, -torch.inf, logsigmoid(wide)),
        torch.where(always, -torch.inf, logsigmoid(-wide)),
    )


def is_by_probs(fn: Any) -> bool:
    """True if a distribution was given ``probs`` of success, and not ``logits``."""
    own = fn.__dict__
    return own.get("probs") is own["_param"] if "_param" in own else "logits" not in own


def divergence_of_trials(p: Any, q: Any) -> Tensor:
    """The divergence of one trial from another, each with ``probs`` or ``logits`` of success, in double precision."""
    ours, others = binary(p), binary(q)
    successes = expected_log_ratio(ours.success, ours.log_success, others.log_success)
    return successes + expected_log_ratio(ours.failure, ours.log_failure, others.log_failure)


def repeated(count: Tensor, logs: Tensor) -> Tensor:
    """``count * logs``, and 0 where something impossible is counted no times: the logarithm of a power."""
    return count * torch.where((count == 0) & (logs == -torch.inf), 0.0, logs)
