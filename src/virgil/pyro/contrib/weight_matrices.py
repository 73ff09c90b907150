"""The first weights of a network's layers, and columns for biases."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["adjoin_ones_vector", "adjoin_zeros_vector", "xavier_uniform"]


def xavier_uniform(D_in: int, D_out: int) -> Tensor:
    """Weights drawn between ``-sqrt(6 / (D_in + D_out))`` and its opposite *(Glorot and Bengio 2010, equation 16)*.

    Shape: ``(D_in, D_out)``.
    """
    return nn.init.xavier_uniform_(torch.empty(D_in, D_out))


def adjoin_ones_vector(x: Tensor) -> Tensor:
    """The tensor with a column of ones behind it. Shape: ``(*batch, n)`` to ``(*batch, n + 1)``."""
    return torch.cat([x, x.new_ones((*x.shape[:-1], 1))], -1)


def adjoin_zeros_vector(x: Tensor) -> Tensor:
    """The tensor with a column of zeros behind it. Shape: ``(*batch, n)`` to ``(*batch, n + 1)``."""
    return torch.cat([x, x.new_zeros((*x.shape[:-1], 1))], -1)
