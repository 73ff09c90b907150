"""Lower Cholesky factors and correlation matrices.

``softplus_lower_cholesky`` has a positive diagonal reached by softplus, ``unit_lower_cholesky`` a diagonal of ones (the
factor L of an LDL' decomposition), ``corr_matrix`` is symmetric and positive definite with a diagonal of ones.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import biject_to, constraints, transform_to
from torch.distributions.transforms import ComposeTransform, Transform
from torch.nn.functional import softplus

__all__ = [
    "CorrCholeskyTransform",
    "CorrMatrixTransform",
    "SoftplusLowerCholeskyTransform",
    "UnitLowerCholeskyTransform",
    "corr_matrix",
    "softplus_lower_cholesky",
    "unit_lower_cholesky",
]


class _SoftplusLowerCholesky(type(constraints.lower_cholesky)):  # type: ignore[misc]
    pass


class _UnitLowerCholesky(constraints.Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        lower = (value.tril() == value).flatten(-2).all(-1)
        return lower & (value.diagonal(dim1=-2, dim2=-1) == 1).all(-1)


class _CorrMatrix(constraints.Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        tolerance = 10 * value.size(-1) * torch.finfo(value.dtype).eps
        unit = ((value.diagonal(dim1=-2, dim2=-1) - 1).abs() < tolerance).all(-1)
        return unit & cast(Tensor, constraints.positive_definite.check(value))


softplus_lower_cholesky = _SoftplusLowerCholesky()
unit_lower_cholesky = _UnitLowerCholesky()
corr_matrix = _CorrMatrix()

_real_matrix = constraints.independent(constraints.real, 2)


class SoftplusLowerCholeskyTransform(Transform):
    """From a square matrix to its lower triangle with softplus of its diagonal; ignores the upper triangle."""

    domain = _real_matrix
    codomain = softplus_lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftplusLowerCholeskyTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + softplus(x.diagonal(dim1=-2, dim2=-1)).diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        diagonal = y.diagonal(dim1=-2, dim2=-1)
        return y.tril(-1) + (diagonal + torch.log(-torch.expm1(-diagonal))).diag_embed()


class UnitLowerCholeskyTransform(Transform):
    """From a square matrix to its strictly lower triangle with ones on the diagonal; ignores the rest."""

    domain = _real_matrix
    codomain = unit_lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnitLowerCholeskyTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + torch.eye(x.size(-1), dtype=x.dtype, device=x.device)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1)


class CorrCholeskyTransform(td.transforms.CorrCholeskyTransform):
    r"""From real vectors to Cholesky factors of correlation matrices, by canonical partial correlations.

    The vector holds :math:`x_{ij}`, i > j, row by row, and
    :math:`L_{ij} = \tanh x_{ij} \prod_{k < j} \operatorname{sech} x_{ik}`, with 1 in place of the hyperbolic tangent on
    the diagonal (Lewandowski, Kurowicka and Joe 2009, section 2). Row by row the Jacobian is triangular.
    """

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
    """The matrix of which a vector holds what is below the diagonal, row by row."""
    size = math.isqrt(2 * x.shape[-1]) + 1
    rows, columns = torch.tril_indices(size, size, -1, device=x.device)
    matrix = x.new_zeros((*x.shape[:-1], size, size))
    matrix[..., rows, columns] = x
    return matrix


def _before(x: Tensor) -> Tensor:
    """The sum of what is left of each entry."""
    return x.cumsum(-1) - x


class CorrMatrixTransform(Transform):
    r"""From the Cholesky factor L of a correlation matrix to the matrix :math:`L L^\top`.

    The coordinates of both are their strictly lower triangles. In row-major order the Jacobian is triangular, with
    :math:`\partial R_{ij} / \partial L_{ij} = L_{jj}`, so its log determinant is :math:`\sum_j (d - j) \log L_{jj}`
    for j counted from 1 (Lewandowski, Kurowicka and Joe 2009, section 3.2).
    """

    domain = constraints.corr_cholesky
    codomain = corr_matrix
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CorrMatrixTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x @ x.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return cast(Tensor, torch.linalg.cholesky(y))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        size = x.size(-1)
        below = torch.arange(size - 1, -1, -1, dtype=x.dtype, device=x.device)
        return (below * x.diagonal(dim1=-2, dim2=-1).log()).sum(-1)


@transform_to.register(softplus_lower_cholesky)  # type: ignore[untyped-decorator]
def _to_softplus_lower_cholesky(constraint: constraints.Constraint) -> Transform:
    return SoftplusLowerCholeskyTransform()


@transform_to.register(unit_lower_cholesky)  # type: ignore[untyped-decorator]
def _to_unit_lower_cholesky(constraint: constraints.Constraint) -> Transform:
    return UnitLowerCholeskyTransform()


@biject_to.register(corr_matrix)  # type: ignore[untyped-decorator]
@transform_to.register(corr_matrix)  # type: ignore[untyped-decorator]
def _to_corr_matrix(constraint: constraints.Constraint) -> Transform:
    return ComposeTransform([CorrCholeskyTransform(), CorrMatrixTransform()])


@biject_to.register(type(constraints.corr_cholesky))  # type: ignore[untyped-decorator]
@transform_to.register(type(constraints.corr_cholesky))  # type: ignore[untyped-decorator]
def _to_corr_cholesky(constraint: constraints.Constraint) -> Transform:
    return CorrCholeskyTransform()
