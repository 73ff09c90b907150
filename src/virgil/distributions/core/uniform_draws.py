"""Uniform draws at which quantile functions are finite."""

from __future__ import annotations

import torch
from torch import Size, Tensor

__all__ = ["open_unit_interval"]


def open_unit_interval(shape: Size, like: Tensor) -> Tensor:
    """Uniform draws between 0 and 1 without the ends, in the dtype and on the device of a parameter."""
    limits = torch.finfo(like.dtype)
    return torch.rand(shape, dtype=like.dtype, device=like.device).clamp(limits.tiny, 1 - limits.eps / 2)
