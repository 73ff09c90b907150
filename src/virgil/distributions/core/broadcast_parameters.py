"""Broadcasting of two parameters, with as little work as their types allow.

Most distributions of a program are made anew in every step, often from numbers, so this is on the hot path.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions.utils import broadcast_all

__all__ = ["broadcast_pair", "like_parameter"]


def like_parameter(number: float, parameter: Tensor) -> Tensor:
    """A number as a scalar tensor that computes with ``parameter``."""
    dtype = parameter.dtype if parameter.is_floating_point() else torch.get_default_dtype()
    return torch.scalar_tensor(number, dtype=dtype, device=parameter.device)


def broadcast_pair(first: Tensor | float, second: Tensor | float) -> tuple[Tensor, Tensor]:
    """Both parameters as tensors of one shape; a number takes dtype and device of a tensor beside it.

    Raises:
        ValueError: one of them is neither a tensor nor a number.
    """
    if isinstance(first, Tensor):
        if isinstance(second, Tensor):
            return (first, second) if first.shape == second.shape else torch.broadcast_tensors(first, second)
        if isinstance(second, (int, float)):
            return first, like_parameter(second, first).expand(first.shape)
    elif isinstance(first, (int, float)):
        if isinstance(second, Tensor):
            return like_parameter(first, second).expand(second.shape), second
        if isinstance(second, (int, float)):
            return torch.scalar_tensor(first), torch.scalar_tensor(second)
    return broadcast_all(first, second)
