"""Seasons of time series: a pattern repeated, a pattern that drifts, and waves as features of a regression."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["periodic_cumsum", "periodic_features", "periodic_repeat"]


def periodic_repeat(tensor: Tensor, size: int, dim: int) -> Tensor:
    """A pattern repeated along a dim up to a size; the last repetition may be cut.

    >>> periodic_repeat(torch.tensor([1, 2, 3]), 5, dim=0)
    tensor([1, 2, 3, 1, 2])
    """
    return tensor.index_select(dim, torch.arange(size, device=tensor.device) % tensor.shape[dim])


def periodic_cumsum(tensor: Tensor, period: int, dim: int) -> Tensor:
    """Cumulative sums of the entries that are a period apart: a season whose values drift by the differences given.

    Args:
        tensor: the differences.
        period: the number of entries in a season.
        dim: the dim of time.

    Raises:
        ArgumentError: the period is not positive.

    >>> periodic_cumsum(torch.tensor([1, 2, 10, 20, 100]), 2, dim=0)
    tensor([  1,   2,  11,  22, 111])
    """
    if period < 1:
        raise ArgumentError(f"periodic_cumsum got period={period}; it must be positive.")
    series = tensor.movedim(dim, -1)
    length = series.shape[-1]
    padded = torch.nn.functional.pad(series, (0, -length % period))
    sums = padded.unflatten(-1, (-1, period)).cumsum(-2).flatten(-2)
    result: Tensor = sums[..., :length].movedim(-1, dim)
    return result


def periodic_features(
    duration: int, max_period: float | None = None, min_period: float | None = None, **options: Any
) -> Tensor:
    r"""Waves for a regression on time: the columns :math:`\cos(2 \pi k t / P)`, then :math:`-\sin(2 \pi k t / P)`.

    Here :math:`P` is the longest period and ``k`` runs over the whole numbers for which the period :math:`P / k` is
    longer than the shortest one.

    Args:
        duration: the number of steps of time.
        max_period: the longest period, steps; the duration, if not given.
        min_period: the shortest period, steps, which is left out; 2, the Nyquist limit, if not given.
        **options: of the tensor, such as ``dtype`` and ``device``.

    Returns:
        Shape: ``(duration, 2 * ceil(max_period / min_period) - 2)``.

    Raises:
        ArgumentError: periods that are not in order, or a shortest one under 2.
    """
    longest = duration if max_period is None else max_period
    shortest = 2 if min_period is None else min_period
    if not 2 <= shortest <= longest:
        raise ArgumentError(
            f"periodic_features got periods from {shortest} to {longest}; the shorter one must be 2 or more, and not "
            "above the longer one."
        )
    device = options.get("device")
    time = torch.arange(duration, dtype=torch.float64, device=device).unsqueeze(-1)
    waves = torch.arange(1, math.ceil(longest / shortest), dtype=torch.float64, device=device)
    angles = time * waves * (2 * math.pi / longest)
    features = torch.cat([angles.cos(), -angles.sin()], -1)
    return features.to(**{"dtype": torch.get_default_dtype(), **options})
