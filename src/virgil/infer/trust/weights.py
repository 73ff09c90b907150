"""Importance weights of a guide's draws: their Pareto shape, the evidence, and resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.trust.stats import array_stats

__all__ = [
    "Importance",
    "importance",
    "magnitude_of",
    "pareto_shape",
    "resampled",
    "threshold",
    "tied",
]

LEAST = 100  # draws for a Pareto fit to 20 of them
_ALMOST = 0.9  # of the draws that weighted ones are worth: weights that are nearly equal
_FAR = 10.0  # a shape from which weights spread over so many powers of ten that floats do not hold them
_WIDEST = 100.0  # nats: the spread of log-weights from which no shape of their tail makes them usable
_EQUAL = 1e-3  # nats: what weights differ by where they are equal but for rounding


@dataclass(frozen=True, eq=False)
class Importance:
    r"""Importance weights :math:`w = p(x, z) / q(z)` of draws :math:`z \sim q` say.

    Attributes:
        k_hat: the shape of a generalised Pareto distribution fitted to the largest weights; 0 where all are equal.
        threshold: :func:`threshold`.
        log_weights: smoothed and normalised. Shape: ``(num,)``.
        evidence: an estimate of ``log p(x)``, the log of the mean smoothed weight, nats.
        evidence_error: its standard error, nats; it holds for ``k_hat`` under the threshold.
        elbo: the mean log-weight, nats.
        elbo_error: its standard error, nats.
        effective: how many independent draws of the posterior the weighted ones are worth, for means.
    """

    k_hat: float
    threshold: float
    log_weights: Tensor
    evidence: float
    evidence_error: float
    elbo: float
    elbo_error: float
    effective: float

    @property
    def is_usable(self) -> bool:
        """True if weighted draws can be relied on, by k-hat and by the spread of log-weights."""
        return self.k_hat <= self.threshold and self.spread <= _WIDEST

    @property
    def spread(self) -> float:
        """The standard deviation of the log-weights, nats."""
        return self.elbo_error * math.sqrt(len(self.log_weights))

    @property
    def gap(self) -> float:
        """``evidence - elbo``: an estimate of the divergence KL(q || posterior), nats."""
        return self.evidence - self.elbo


def threshold(num: int) -> float:
    """The largest Pareto shape at which so many weighted draws can be relied on.

    ``min(1 - 1 / log10(num), 0.7)`` *(Vehtari, Simpson, Gelman, Yao and Gabry 2024, section 3.2.4)*.
    """
    return min(1 - 1 / math.log10(num), 0.7)


def pareto_shape(log_weights: Tensor, magnitude: float, tail: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Pareto-smoothed log-weights along the last dim, normalised, and the shapes; NaN where :func:`tied`.

    Args:
        log_weights: nats. Shape: ``(*batch, num)``.
        magnitude: of the numbers whose difference they are, nats: what rounding is relative to.
        tail: which part of the usual number of weights, ``3 sqrt(num)``, the distribution is fitted to.
    """
    given = log_weights.double().cpu()
    equal, ties, far = _equal(given, magnitude), tied(given, magnitude), _tail_shape(given)
    is_far = far > _FAR
    unfit = (equal | ties | is_far).unsqueeze(-1)
    # equal and tied weights have no tail to fit; whatever stands in for them is not read
    stand_in = torch.linspace(0, 1, given.shape[-1], dtype=torch.float64)
    # psislw takes log-likelihoods of data left out, whose negatives are log-weights
    smoothed, shapes = array_stats().psislw(-torch.where(unfit, stand_in, given).numpy(), r_eff=tail**-2)
    flat = torch.where((ties | is_far).unsqueeze(-1), given, 0.0).log_softmax(-1)
    shapes = np.where(is_far, far, shapes)
    return np.where(unfit, flat, smoothed), np.where(equal, 0.0, np.where(ties, math.nan, shapes))


def _tail_shape(log_weights: Tensor) -> Tensor:
    """The tail's shape by Hill's estimator, the mean log of its weights over the smallest of them *(Hill 1975)*.

    A generalised Pareto distribution of a large shape is nearly a Pareto distribution, of which this is the likeliest
    shape. It is taken in logarithms, where the weights themselves are out of the range of floats.
    """
    tail = log_weights.topk(_tail_length(log_weights.shape[-1]) + 1).values
    least = torch.where(tail.isfinite(), tail, torch.inf).amin(-1, keepdim=True)
    return torch.where(tail.isfinite(), tail - least, 0.0).mean(-1)


def _tail_length(num: int) -> int:
    return math.ceil(min(num / 5, 3 * math.sqrt(num)))


def magnitude_of(log_p: Tensor) -> float:
    """The largest finite log-density, without its sign, nats; 0 where there is none."""
    finite = log_p[log_p.isfinite()].abs()
    return float(finite.max()) if len(finite) else 0.0


def _equal(log_weights: Tensor, magnitude: float) -> Tensor:
    """True if all weights are the same but for rounding."""
    rounding = max(_EQUAL, 8 * torch.finfo(torch.float32).eps * magnitude)
    return log_weights.amax(-1) - log_weights.amin(-1) <= rounding


def tied(log_weights: Tensor, magnitude: float) -> Tensor:
    """True if so many of the largest weights are the same, but not all, that no distribution can be fitted to them.

    That is so where they are weights of few values of discrete variables. Arguments are those of :func:`pareto_shape`.
    """
    tail = _tail_length(log_weights.shape[-1])
    largest = log_weights.double().cpu().topk(tail + 1).values
    inside, cutoff = largest[..., tail - tail // 4 - 1], largest[..., tail]
    return (inside == cutoff) & cutoff.isfinite() & ~_equal(log_weights, magnitude)


def importance(log_p: Tensor, log_q: Tensor) -> Importance:
    """Judge the weights of draws *(Yao, Vehtari, Simpson and Gelman 2018, section 2)*.

    Args:
        log_p: ``log p(x, z)``, nats. Shape: ``(num,)``.
        log_q: ``log q(z)``, nats.

    Raises:
        ArgumentError: too few draws, or a weight that is not a number.
    """
    raw, num = (log_p - log_q).double(), len(log_p)
    if num < LEAST:
        raise ArgumentError(f"check() got draws={num}; a Pareto fit to the largest weights takes {LEAST} or more.")
    if bool(raw.isnan().any()) or bool(raw.isposinf().any()) or not bool(raw.isfinite().any()):
        raise ArgumentError(
            "The guide's draws have log-densities that are NaN, or all of them lie where the model's density is zero. "
            "virgil.explain(model, guide, ...) shows what is wrong with the supports."
        )
    magnitude = magnitude_of(log_p)
    smoothed, shape = pareto_shape(raw, magnitude)
    squared = float(np.exp(2 * smoothed).sum())
    if shape > threshold(num) and 1 / squared > _ALMOST * num:
        # weights so nearly equal have no such tail: it began where most weights lie, at their common bound
        smoothed, shape = pareto_shape(raw, magnitude, tail=0.25)
        squared = float(np.exp(2 * smoothed).sum())
    log_weights = torch.from_numpy(smoothed)
    # smoothing leaves all but the largest weights alone, so that the normaliser is read off one of the others
    evidence = float((raw - log_weights)[raw.isfinite()].median()) - math.log(num)
    elbo = float(raw.mean())
    return Importance(
        k_hat=float(shape),
        threshold=threshold(num),
        log_weights=log_weights,
        evidence=evidence,
        evidence_error=math.sqrt(max(squared - 1 / num, 0.0)),
        elbo=elbo,
        elbo_error=float(raw.std()) / math.sqrt(num),
        effective=1 / squared,
    )


def resampled(values: dict[str, Tensor], log_weights: Tensor, num: int) -> dict[str, Tensor]:
    """Draws resampled with replacement in proportion to their weights. Shape: ``(num, *shape of the site)`` each."""
    rows = torch.multinomial(log_weights.exp(), num, replacement=True)
    return {name: each[rows.to(each.device)] for name, each in values.items()}
