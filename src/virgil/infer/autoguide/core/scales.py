"""Scales of normals: the initial one, and what follows from one for quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["checked_init_scale", "checked_probabilities", "normal_quantiles"]


def checked_init_scale(guide: str, init_scale: float | Tensor, argument: str = "init_scale") -> float | Tensor:
    """The initial scale itself.

    Raises:
        ArgumentError: not a positive, finite number or tensor.
    """
    is_number = isinstance(init_scale, float | int) and not isinstance(init_scale, bool)
    if is_number or isinstance(init_scale, Tensor):
        scale = torch.as_tensor(init_scale)
        if bool((scale > 0).all()) and bool(scale.isfinite().all()):
            return init_scale
    raise ArgumentError(f"{guide} got {argument}={shown(init_scale)}; it takes a positive number, or a tensor of them.")


def checked_probabilities(quantiles: Sequence[float] | Tensor) -> Tensor:
    """The probabilities that ``quantiles()`` was given. Shape: ``(quantiles,)``.

    Raises:
        ArgumentError: probabilities outside of [0, 1], or not in one row.
    """
    probs = torch.as_tensor(quantiles)
    if probs.dim() != 1 or not bool(((probs >= 0) & (probs <= 1)).all()):
        raise ArgumentError(
            f"quantiles() got {shown(quantiles)}; it takes a list of probabilities, such as [0.05, 0.5, 0.95]."
        )
    return probs


def normal_quantiles(loc: Tensor, scale: Tensor, quantiles: Sequence[float] | Tensor) -> Tensor:
    """Quantiles of normals, or of points where the scale is 0. Shape: ``(quantiles, *loc.shape)``.

    Raises:
        ArgumentError: probabilities outside of [0, 1], or not in one row.
    """
    probs = checked_probabilities(quantiles).to(loc).reshape((-1,) + (1,) * loc.dim())
    points: Tensor = loc + torch.where(scale > 0, scale * torch.special.ndtri(probs), 0.0)
    return points
