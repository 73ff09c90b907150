"""The generalised Pareto distribution that fits the tail of draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["fit_generalized_pareto"]

_PRIOR_COUNT, _PRIOR_SHAPE = 10, 0.5  # Vehtari et al. 2024, appendix C


def fit_generalized_pareto(X: Tensor) -> tuple[float, float]:
    r"""Estimate the shape ``k`` and the scale of the generalised Pareto distribution of positive draws.

    The density is :math:`(1 + k x / \sigma)^{-1/k - 1} / \sigma`. With :math:`\theta = -k / \sigma` the likeliest
    shape is a function of it, :math:`k(\theta) = \overline{\log(1 - \theta x)}`, and the estimate of :math:`\theta` is
    its mean under the profile likelihood on a grid of quantiles of a prior *(Zhang and Stephens 2009)*. The shape is
    drawn towards 0.5, as ten more draws would *(Vehtari, Simpson, Gelman, Yao and Gabry 2024, appendix C)*.

    Args:
        X: the draws, less the threshold above which they are the tail. Shape: ``(num,)`` with two or more.

    Returns:
        Shape and scale.

    Raises:
        ArgumentError: too few draws, or not a vector of positive numbers.
    """
    if X.dim() != 1 or X.numel() < 2 or not bool(((X >= 0) & X.isfinite()).all()) or not bool(X.max() > 0):
        raise ArgumentError(
            f"fit_generalized_pareto got a tensor of shape {tuple(X.shape)}; it takes a vector of two or more finite "
            "numbers that are not negative, and not all zero."
        )
    draws = X.detach().double().sort().values
    num = draws.numel()
    quartile = draws[max(math.floor(num / 4 + 0.5) - 1, 0)].clamp_min(torch.finfo(torch.float64).tiny)
    points = 30 + math.floor(math.sqrt(num))
    grid = torch.arange(1, points + 1, dtype=torch.float64, device=draws.device) - 0.5
    theta = 1 / draws[-1] + (1 - (points / grid).sqrt()) / (3 * quartile)
    shape = torch.log1p(-theta.unsqueeze(-1) * draws).mean(-1)
    weights = (num * ((-theta / shape).log() - shape - 1)).softmax(0)
    best = (weights * theta).sum()
    k = float(torch.log1p(-best * draws).mean())
    scale = -k / float(best)
    return (num * k + _PRIOR_COUNT * _PRIOR_SHAPE) / (num + _PRIOR_COUNT), scale
