"""All powers of a matrix up to one, by doubling."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["repeated_matmul"]


def repeated_matmul(M: Tensor, n: int) -> Tensor:
    """The powers ``M``, ``M @ M``, and so on up to the n-th, in rounds whose number is the logarithm of ``n``.

    Args:
        M: the matrix. Shape: ``(*batch, size, size)``.
        n: the highest power.

    Returns:
        Shape: ``(n, *batch, size, size)``.

    Raises:
        ArgumentError: ``n`` is not positive.

    >>> repeated_matmul(torch.tensor([[2.0]]), 5).flatten()
    tensor([ 2.,  4.,  8., 16., 32.])
    """
    if n < 1:
        raise ArgumentError(f"repeated_matmul got n={n}; the highest power is 1 or more.")
    powers = M.unsqueeze(0)
    while len(powers) < n:
        powers = torch.cat([powers, powers[-1] @ powers[: n - len(powers)]])
    return powers
