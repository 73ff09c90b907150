"""Products of chains of matrices of logarithms, in a number of rounds that is the logarithm of the chain's length."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.ops.semiring import SUM, Semiring

__all__ = ["chain_product", "log_matmul"]


def log_matmul(left: Tensor, right: Tensor) -> Tensor:
    """``log(exp(left) @ exp(right))``, with rows of ``left`` and columns of ``right`` scaled by their largest entries.

    The product is taken in double precision: of the terms of one entry, those less than ``exp(-700)`` times the
    product of the two largest entries count as zero.

    Shape: ``(*batch, i, k)`` and ``(*batch, k, j)`` give ``(*batch, i, j)``.
    """
    least = torch.finfo(left.dtype).min  # of a row or column of zeros
    rows = left.detach().amax(-1, keepdim=True).clamp_min(least)
    columns = right.detach().amax(-2, keepdim=True).clamp_min(least)
    product = (left - rows).double().exp() @ (right - columns).double().exp()
    is_zero = product == 0
    logs = torch.where(is_zero, 1.0, product).log().to(left.dtype) + rows + columns
    return torch.where(is_zero, -torch.inf, logs)


def chain_product(logs: Tensor, semiring: Semiring = SUM) -> Tensor:
    """The product of the matrices of a chain, neighbours first *(Sarkka and Garcia-Fernandez 2021)*.

    Args:
        logs: the matrices, from first to last. Shape: ``(*batch, steps, states, states)`` with at least one step.
        semiring: how the state between two matrices is eliminated.

    Returns:
        Shape: ``(*batch, states, states)``.
    """
    while (steps := logs.shape[-3]) > 1:
        paired, last = logs.split([steps - steps % 2, steps % 2], -3)
        left, right = paired.unflatten(-3, (-1, 2)).unbind(-3)
        if semiring is SUM:
            pairs = log_matmul(left, right)
        else:
            pairs = semiring.reduce(left.unsqueeze(-1) + right.unsqueeze(-3), (-2,))
        logs = torch.cat([pairs, last], -3) if steps % 2 else pairs
    return logs[..., 0, :, :]
