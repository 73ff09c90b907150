"""Quantiles of draws, weighted or not, and intervals that hold a share of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["hpdi", "pi", "quantile", "weighed_quantile"]

Probabilities = float | Sequence[float] | Tensor


def quantile(input: Tensor, probs: Probabilities, dim: int = 0) -> Tensor:
    """Quantiles of draws, linear between neighbours (type 7 of *Hyndman and Fan 1996*).

    Args:
        input: draws along ``dim``.
        probs: probabilities; one of them, or a sequence.
        dim: the dim of the draws.

    Returns:
        The shape of ``input`` with the quantiles along ``dim``, which one probability removes.

    >>> quantile(torch.arange(11.0), [0.1, 0.55])
    tensor([1.0000, 5.5000])
    """
    values = input if input.is_floating_point() else input.to(torch.get_default_dtype())
    at = _checked(probs, values)
    ordered = values.sort(dim).values
    places = at.reshape(-1) * (ordered.shape[dim] - 1)
    low = places.floor()
    index = low.long()
    lower = ordered.index_select(dim, index)
    upper = ordered.index_select(dim, (index + 1).clamp_max(ordered.shape[dim] - 1))
    share = (places - low).reshape(-1, *[1] * (values.dim() - 1 - dim % values.dim()))
    # a share of zero leaves the upper neighbour out, infinite or not
    between = torch.where(share == 0, lower, lower + (upper - lower) * share)
    return between if at.dim() else between.squeeze(dim)


def weighed_quantile(input: Tensor, probs: Probabilities, log_weights: Tensor, dim: int = 0) -> Tensor:
    """Quantiles of weighted draws, linear between neighbours.

    The smallest draw has probability 0. Each draw after it is apart from the one before by the weight of its own, and
    these are scaled so that the largest draw has probability 1. With equal weights this is :func:`quantile`.

    Args:
        input: draws along ``dim``.
        probs: probabilities; one of them, or a sequence.
        log_weights: logarithms of the draws' weights, which need not be normalised. Shape: ``(num,)``.
        dim: the dim of the draws.

    Returns:
        The shape of ``input`` with the quantiles along ``dim``, which one probability removes.

    Raises:
        ArgumentError: not one weight for each draw, or probabilities outside [0, 1].

    >>> draws, log_weights = torch.tensor([10.0, 50.0, 40.0]), torch.tensor([0.4, 0.5, 0.1]).log()
    >>> weighed_quantile(draws, [0.2, 0.8], log_weights)
    tensor([40.4000, 47.6000])
    """
    if log_weights.shape != input.shape[dim : dim + 1 or None]:
        raise ArgumentError(
            f"weighed_quantile got log_weights of shape {tuple(log_weights.shape)} for draws of shape "
            f"{tuple(input.shape)} along dim {dim}; it takes one weight for each draw."
        )
    at = _checked(probs, input)
    ordered, order = input.movedim(dim, -1).sort(-1)
    steps = log_weights.softmax(-1)[order][..., 1:]
    total = steps.cumsum(-1)
    edges = torch.nn.functional.pad(total / total[..., -1:], (1, 0)).contiguous()
    wanted = at.reshape(-1).to(edges.dtype).expand(*edges.shape[:-1], -1).contiguous()
    upper = torch.searchsorted(edges, wanted).clamp(1, edges.shape[-1] - 1)
    lower = upper - 1
    low, high = edges.gather(-1, lower), edges.gather(-1, upper)
    share = ((wanted - low) / torch.where(high > low, high - low, 1.0)).clamp(0.0, 1.0)
    between = torch.lerp(ordered.gather(-1, lower), ordered.gather(-1, upper), share).movedim(-1, dim)
    return between if at.dim() else between.squeeze(dim)


def pi(input: Tensor, prob: float, dim: int = 0) -> Tensor:
    """The interval between quantiles that leaves the same share of the draws on both sides.

    Args:
        input: draws along ``dim``.
        prob: the share of the draws inside.
        dim: the dim of the draws, which becomes that of the two ends.
    """
    return quantile(input, [(1 - prob) / 2, (1 + prob) / 2], dim)


def hpdi(input: Tensor, prob: float, dim: int = 0) -> Tensor:
    """The narrowest interval with this share of the draws: a density's highest region, where that is an interval.

    Its ends are draws. Of ``n`` of them, ``floor(prob * n)`` lie after its lower end and up to its upper one
    *(Chen and Shao 1999)*.

    Args:
        input: draws along ``dim``.
        prob: the share of the draws inside.
        dim: the dim of the draws, which becomes that of the two ends.
    """
    ordered = input.sort(dim).values
    count = ordered.shape[dim]
    apart = min(math.floor(float(_checked(prob, input.double())) * count + 1e-9), count - 1)
    starts, ends = ordered.narrow(dim, 0, count - apart), ordered.narrow(dim, apart, count - apart)
    narrowest = (ends - starts).argmin(dim, keepdim=True)
    return torch.cat([starts.gather(dim, narrowest), ends.gather(dim, narrowest)], dim)


def _checked(probs: Probabilities, like: Tensor) -> Tensor:
    at = torch.as_tensor(probs, dtype=like.dtype, device=like.device)
    if bool(((at < 0) | (at > 1)).any()):
        raise ArgumentError(f"Quantiles at {shown(probs)}: probabilities lie in [0, 1].")
    return at
