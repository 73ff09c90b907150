"""Draws of draws, all equally likely."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["resample"]


def resample(input: Tensor, num_samples: int, dim: int = 0, replacement: bool = False) -> Tensor:
    """Draw slices of a tensor along a dim, each with the same probability.

    Args:
        input: what is drawn from.
        num_samples: how many slices.
        dim: along which dim.
        replacement: if true, a slice may be drawn more than once.

    Raises:
        ArgumentError: more slices than there are, without replacement.
    """
    size = input.shape[dim]
    if not replacement and num_samples > size:
        raise ArgumentError(
            f"resample got num_samples={num_samples} of {size} along dim {dim}; without replacement=True it takes no "
            "more than there are."
        )
    if replacement:
        index = torch.randint(size, (num_samples,), device=input.device)
    else:
        index = torch.randperm(size, device=input.device)[:num_samples]
    return input.index_select(dim, index)
