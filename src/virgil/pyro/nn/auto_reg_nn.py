"""Helpers of autoregressive networks that old programs call."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["sample_mask_indices"]


def sample_mask_indices(input_dim: int, hidden_dim: int, simple: bool = True) -> Tensor:
    """The degrees of hidden units in equal steps from 1 to ``input_dim`` *(Germain et al. 2015, section 3)*.

    Args:
        input_dim: the number of variables.
        hidden_dim: the number of hidden units.
        simple: whether a degree between two whole numbers is rounded to the nearer one, or else at random to one of
            them, so that its mean is right.

    Returns:
        Whole numbers. Shape: ``(hidden_dim,)``.

    >>> sample_mask_indices(3, 5)
    tensor([1., 2., 2., 2., 3.])
    """
    degrees = torch.linspace(1, input_dim, steps=hidden_dim)
    if simple:
        return degrees.round()
    return degrees.floor() + torch.bernoulli(degrees - degrees.floor())
