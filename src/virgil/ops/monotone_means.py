r"""Means under increasing functions: :math:`T^{-1}(\sum_k w_k T(z_k))`, with the logarithm of their slope.

Such a mean lies between the least and the largest of the numbers, whatever T is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

__all__ = ["LEAKY_SLOPE", "MONOTONE_MEANS", "Mean", "leaky_relu_log_slope"]

LEAKY_SLOPE = 0.01

# of the numbers, the logarithms of their weights and of their slopes in the variable, along a dim: mean and log-slope
Mean = Callable[[Tensor, Tensor, Tensor, int], tuple[Tensor, Tensor]]


def leaky_relu_log_slope(z: Tensor) -> Tensor:
    """The logarithm of the slope of a leaky ReLU."""
    return torch.where(z > 0, z.new_zeros(()), math.log(LEAKY_SLOPE))


def _sigmoid_mean(z: Tensor, log_weights: Tensor, log_slopes: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    log_p = (log_weights + logsigmoid(z)).logsumexp(dim)
    log_q = (log_weights + logsigmoid(-z)).logsumexp(dim)
    within = (log_weights + log_slopes + logsigmoid(z) + logsigmoid(-z)).logsumexp(dim)
    return log_p - log_q, within - log_p - log_q


def _tanh_mean(z: Tensor, log_weights: Tensor, log_slopes: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    mean, log_slope = _sigmoid_mean(2 * z, log_weights, log_slopes, dim)  # as tanh(z) = 2 sigmoid(2 z) - 1
    return mean / 2, log_slope


def _elu_mean(z: Tensor, log_weights: Tensor, log_slopes: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    log_above = torch.where(z > 0, z.clamp(min=0).log1p(), z)  # log(1 + ELU(z))
    total = (log_weights + log_above).logsumexp(dim)
    mean = torch.where(total > 0, total.clamp(min=0).expm1(), total)
    within = (log_weights + log_slopes + z.clamp(max=0)).logsumexp(dim)
    return mean, within - mean.clamp(max=0)


def _leaky_relu_mean(z: Tensor, log_weights: Tensor, log_slopes: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    total = (log_weights.exp() * torch.where(z > 0, z, LEAKY_SLOPE * z)).sum(dim)
    mean = torch.where(total > 0, total, total / LEAKY_SLOPE)
    within = (log_weights + log_slopes + leaky_relu_log_slope(z)).logsumexp(dim)
    return mean, within - leaky_relu_log_slope(total)


MONOTONE_MEANS: dict[str, Mean] = {
    "ELU": _elu_mean,
    "LeakyReLU": _leaky_relu_mean,
    "sigmoid": _sigmoid_mean,
    "tanh": _tanh_mean,
}
