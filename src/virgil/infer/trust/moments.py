"""Means and standard deviations with and without weights, and how well the draws know each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.infer.trust.weights import pareto_shape

__all__ = ["Moments", "moments"]

_CONSTANT = 1e-6  # relative: a standard deviation that is rounding
_SHAPES = 32  # coordinates, those known worst, whose Pareto shape is fitted
_CORRELATED = 64  # coordinates, the first, whose correlations are compared


@dataclass(frozen=True)
class Moments:
    """How far weighting moves what the guide says of one site, and how well the weighted draws know it.

    Attributes:
        shift: the largest difference of a coordinate's means, in standard deviations of the weighted draws.
        shift_error: its standard error.
        ratio: of the coordinate's standard deviation under the guide to that of the weighted draws where they differ
            most: below 1 the guide is too narrow.
        ratio_error: its standard error.
        farthest: the largest shift of a coordinate, with two of its standard errors.
        narrowest: the least ratio of a coordinate, less two of its standard errors.
        widest: the largest ratio of a coordinate, with two of its standard errors.
        mean_error: the largest standard error of a mean of the weighted draws, in their standard deviations.
        sd_error: the largest standard error of a standard deviation of theirs, as a share of it.
        k_hat: the largest Pareto shape of the weights times the squared distance from the mean.
        dependence: the largest difference of a correlation inside the site, under the guide and under the weights.
    """

    shift: float
    shift_error: float
    ratio: float
    ratio_error: float
    farthest: float
    narrowest: float
    widest: float
    mean_error: float
    sd_error: float
    k_hat: float
    dependence: float


def moments(values: Tensor, log_weights: Tensor) -> Moments | None:
    """Compare means and standard deviations with and without weights; ``None`` where no coordinate varies.

    Errors are those of ratios of sums, by the delta method *(Owen 2013, section 9.2)*; with and without weights the
    draws are the same, so that a guide which is the posterior has none. They hold for a quantity :math:`h` where
    :math:`w h` has a variance, and roughly up to a Pareto shape of 0.7 of it *(Vehtari, Simpson, Gelman, Yao and Gabry
    2024, section 3.3)*; the squared distance has the heaviest tail of those here.

    Args:
        values: Shape: ``(num, *shape)``.
        log_weights: normalised. Shape: ``(num,)``.
    """
    flat, weights = values.double().reshape(len(values), -1).cpu(), log_weights.exp().unsqueeze(1)
    flat = flat[:, flat.std(0) > _CONSTANT * (1 + flat.mean(0).abs())]
    if not flat.numel():
        return None
    plain, plain_sd = flat.mean(0), flat.std(0)
    mean = (weights * flat).sum(0)
    away = flat - mean
    square = (weights * away**2).sum(0).clamp_min(1e-300)
    sd, share = square.sqrt(), 1 / len(flat)
    shift, ratio = (mean - plain) / sd, plain_sd / sd
    shift_error = ((weights * away - share * (flat - plain)) ** 2).sum(0).sqrt() / sd
    centred = weights * (away**2 / square - 1)
    own = share * ((flat - plain) ** 2 - plain_sd**2) / plain_sd.clamp_min(1e-150) ** 2
    ratio_error = ratio / 2 * ((centred - own) ** 2).sum(0).sqrt()
    sd_error = (centred**2).sum(0).sqrt() / 2
    place, other = int(shift.abs().argmax()), int(ratio.log().abs().argmax())
    return Moments(
        shift=float(shift[place]),
        shift_error=float(shift_error[place]),
        ratio=float(ratio[other]),
        ratio_error=float(ratio_error[other]),
        farthest=float((shift.abs() + 2 * shift_error).max()),
        narrowest=float((ratio - 2 * ratio_error).min()),
        widest=float((ratio + 2 * ratio_error).max()),
        mean_error=float(((weights * away) ** 2).sum(0).sqrt().div(sd).max()),
        sd_error=float(sd_error.max()),
        k_hat=_shape(away[:, sd_error.topk(min(_SHAPES, len(sd_error))).indices], log_weights),
        dependence=_dependence(flat[:, :_CORRELATED], weights),
    )


def _shape(away: Tensor, log_weights: Tensor) -> float:
    """The largest Pareto shape of the weights times a squared distance from the mean."""
    products = log_weights + 2 * away.abs().clamp_min(1e-150).log().T
    return float(torch.from_numpy(pareto_shape(products, 1.0)[1]).nan_to_num(0.0).max())


def _dependence(flat: Tensor, weights: Tensor) -> float:
    """The largest difference of a correlation with and without weights."""
    if flat.shape[1] < 2:
        return 0.0
    return float(
        (_correlation(flat, weights) - _correlation(flat, torch.full_like(weights, 1 / len(flat)))).abs().max()
    )


def _correlation(flat: Tensor, weights: Tensor) -> Tensor:
    away = (flat - (weights * flat).sum(0)) * weights.sqrt()
    scaled: Tensor = away / away.square().sum(0).sqrt().clamp_min(1e-150)
    return scaled.T @ scaled
