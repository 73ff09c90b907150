"""Bounds for values that leave derivatives alone."""

from __future__ import annotations

from torch import Tensor

__all__ = ["clamp_preserve_gradients"]


def clamp_preserve_gradients(x: Tensor, min: float, max: float) -> Tensor:
    """``x`` between two bounds, with a derivative of one everywhere, so that what has left the bounds can come back.

    >>> import torch
    >>> clamp_preserve_gradients(torch.tensor([-2.0, 0.5, 7.0]), min=-1.0, max=1.0)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return x + (x.clamp(min, max) - x).detach()
