"""Entries of the covariance of a normal vector that is written by the chain rule, where few entries meet at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Regression", "marginal_variances"]


class Regression(NamedTuple):
    r"""Blocks of a vector as linear functions of entries before them and of noise: :math:`x_r = W x_u + L \epsilon`.

    Attributes:
        rows: places of the entries :math:`x_r` in the vector. Shape: ``(blocks, m)``.
        inputs: places of the entries :math:`x_u`. Shape: ``(blocks, d)``.
        weight: :math:`W`. Shape: ``(blocks, m, d)``.
        factor: :math:`L`. Shape: ``(blocks, m, m)``.
    """

    rows: Tensor
    inputs: Tensor
    weight: Tensor
    factor: Tensor


def marginal_variances(size: int, regressions: Iterable[Regression]) -> Tensor:
    r"""The variances of all entries, from covariances of those alone that meet *(Takahashi, Fagan and Chen 1973)*.

    With the covariance :math:`C` of a block's inputs, its own is :math:`W C W^T + L L^T`, and that with its inputs
    :math:`W C`. All pairs of a block's inputs have met before: among the rows and inputs of an earlier block, as after
    an elimination.

    Args:
        size: of the vector.
        regressions: in an order in which the inputs of each are rows of those before it.

    Returns:
        Shape: ``(size,)``, float64.
    """
    keys, values = torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.float64)
    variances = torch.empty(size, dtype=torch.float64)
    for rows, inputs, weight, factor in regressions:
        weight, factor = weight.double(), factor.double()
        given = values[torch.searchsorted(keys, _key(inputs, inputs, size))]
        cross = weight @ given
        own = cross @ weight.mT + factor @ factor.mT
        variances[rows] = own.diagonal(dim1=-2, dim2=-1)
        new = [(_key(rows, rows, size), own), (_key(rows, inputs, size), cross), (_key(inputs, rows, size), cross.mT)]
        keys, order = torch.cat([keys, *(key.flatten() for key, _ in new)]).sort()
        values = torch.cat([values, *(value.flatten() for _, value in new)])[order]
    return variances


def _key(rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """The place of each entry of blocks of a matrix. Shape: ``(blocks, rows, columns)``."""
    return rows.unsqueeze(-1) * size + columns.unsqueeze(-2)
