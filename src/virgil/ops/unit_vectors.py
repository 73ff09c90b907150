"""Vectors scaled to norm one, also where they are zero."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["safe_normalize"]


def safe_normalize(x: Tensor, *, p: float = 2) -> Tensor:
    """``x / |x|_p`` along the last dim. A vector of zeros becomes ``(1, 0, ..., 0)``, with a derivative of zero.

    >>> safe_normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [1.0000, 0.0000]])
    """
    first = torch.zeros_like(x)
    first[..., :1] = 1
    is_zero = (x == 0).all(-1, keepdim=True)
    vector = torch.where(is_zero, first, x)
    # divided by its largest entry first, whose powers cannot overflow or vanish
    vector = vector / vector.detach().abs().amax(-1, keepdim=True)
    result: Tensor = vector / torch.linalg.vector_norm(vector, ord=p, dim=-1, keepdim=True)
    return result
