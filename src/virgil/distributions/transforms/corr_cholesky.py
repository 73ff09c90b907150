"""The map from real vectors to Cholesky factors of correlation matrices."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributions as td

__all__ = ["CorrCholeskyTransform"]


class CorrCholeskyTransform(td.transforms.CorrCholeskyTransform):
    r"""From real vectors to Cholesky factors of correlation matrices, by canonical partial correlations.

    The vector holds :math:`x_{ij}`, i > j, row by row, and
    :math:`L_{ij} = \tanh x_{ij} \prod_{k < j} \operatorname{sech} x_{ik}`, with 1 in place of the hyperbolic tangent on
    the diagonal *(Lewandowski, Kurowicka and Joe 2009, section 2)*. Row by row the Jacobian is triangular.

    Shape: ``(*batch, n * (n - 1) / 2)`` to ``(*batch, n, n)``.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CorrCholeskyTransform)

    __hash__ = td.transforms.Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        tangents = _strictly_lower(x.tanh())
        unit = torch.eye(tangents.shape[-1], dtype=x.dtype, device=x.device)
        return (tangents + unit) * _before(_strictly_lower(_log_sech(x))).exp()

    def _inverse(self, y: Tensor) -> Tensor:
        rows, columns = torch.tril_indices(y.shape[-2], y.shape[-1], -1, device=y.device)
        right = y.square().flip(-1).cumsum(-1).flip(-1)  # of each entry and those to its right: a row's square is 1
        return torch.asinh(y[..., rows, columns] / right[..., rows, columns + 1].sqrt())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor, intermediates: object = None) -> Tensor:
        logs = _strictly_lower(_log_sech(x))
        return (2 * logs + _before(logs).tril(-1)).sum((-1, -2))


def _log_sech(x: Tensor) -> Tensor:
    return math.log(2.0) - torch.logaddexp(x, -x)


def _strictly_lower(x: Tensor) -> Tensor:
    """The matrix with the vector's entries below the diagonal, row by row."""
    size = math.isqrt(2 * x.shape[-1]) + 1
    rows, columns = torch.tril_indices(size, size, -1, device=x.device)
    matrix = x.new_zeros((*x.shape[:-1], size, size))
    matrix[..., rows, columns] = x
    return matrix


def _before(x: Tensor) -> Tensor:
    """The sum of the entries left of each entry."""
    return x.cumsum(-1) - x
