"""The normal distribution of matrices."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["MatrixNormal"]


@expand_parameters
class MatrixNormal(TorchDistributionMixin):
    r"""A normal matrix whose entries' covariance is one of rows times one of columns.

    With :math:`Z = L^{-1} (X - M) K^{-\top}` the density at X is proportional to :math:`e^{-\sum Z_{ij}^2 / 2}`
    *(Gupta and Nagar 2000, definition 2.2.1)*: the covariance of two entries is :math:`(L L^\top)_{ik}
    (K K^\top)_{jl}`. Shape: event ``(n, m)``.

    Args:
        loc: mean M. Shape: ``(*batch, n, m)``.
        scale_tril_row: lower Cholesky factor L of the covariance of rows. Shape: ``(*batch, n, n)``.
        scale_tril_column: lower Cholesky factor K of the covariance of columns. Shape: ``(*batch, m, m)``.

    Raises:
        ShapeError: an argument is no matrix, or their sizes differ.
    """

    arg_constraints = {
        "loc": constraints.independent(constraints.real, 2),
        "scale_tril_row": constraints.lower_cholesky,
        "scale_tril_column": constraints.lower_cholesky,
    }
    support = constraints.independent(constraints.real, 2)
    has_rsample = True

    def __init__(
        self, loc: Tensor, scale_tril_row: Tensor, scale_tril_column: Tensor, validate_args: bool | None = None
    ) -> None:
        n, m = loc.shape[-2:] if loc.dim() >= 2 else (-1, -1)
        if scale_tril_row.shape[-2:] != (n, n) or scale_tril_column.shape[-2:] != (m, m):
            shapes = ", ".join(str(tuple(each.shape)) for each in (loc, scale_tril_row, scale_tril_column))
            raise ShapeError(
                f"MatrixNormal got loc, scale_tril_row and scale_tril_column of shapes {shapes}; it takes (*batch, n, "
                "m), (*batch, n, n) and (*batch, m, m)."
            )
        matrices = (loc, scale_tril_row, scale_tril_column)
        batch_shape = Size(broadcast_shapes(*(each.shape[:-2] for each in matrices)))
        self.loc, self.scale_tril_row, self.scale_tril_column = (
            each.expand(batch_shape + each.shape[-2:]) for each in matrices
        )
        super().__init__(batch_shape, loc.shape[-2:], validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        normal = torch.randn(self.shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + self.scale_tril_row @ normal @ self.scale_tril_column.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rows, columns = self._factors(value.shape)
        half = torch.linalg.solve_triangular(rows, value - self.loc, upper=False)
        standard: Tensor = torch.linalg.solve_triangular(columns, half.mT, upper=False)
        return -standard.square().sum((-2, -1)) / 2 - self._log_scale()

    def entropy(self) -> Tensor:
        return self._log_scale() + self._event_shape.numel() / 2

    def _factors(self, shape: Size) -> tuple[Tensor, Tensor]:
        """Both factors with the batch dims of a value, which triangular systems of torch's do not broadcast."""
        batch = broadcast_shapes(shape[:-2], self._batch_shape)
        rows, columns = (each.expand(batch + each.shape[-2:]) for each in (self.scale_tril_row, self.scale_tril_column))
        return rows, columns

    def _log_scale(self) -> Tensor:
        n, m = self._event_shape
        rows, columns = (
            each.diagonal(dim1=-2, dim2=-1).log().sum(-1) for each in (self.scale_tril_row, self.scale_tril_column)
        )
        return m * rows + n * columns + n * m / 2 * math.log(2 * math.pi)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        rows, columns = self.scale_tril_row.square().sum(-1), self.scale_tril_column.square().sum(-1)
        return rows.unsqueeze(-1) * columns.unsqueeze(-2)


@divergence(MatrixNormal, MatrixNormal)
def _kl_matrix_normal(p: MatrixNormal, q: MatrixNormal) -> Tensor:
    """Traces of Kronecker products are products of traces."""
    n, m = p.event_shape
    shape = Size(broadcast_shapes(p.batch_shape, q.batch_shape)) + p.event_shape
    (rows, columns), (own_rows, own_columns) = q._factors(shape), p._factors(shape)
    solve = torch.linalg.solve_triangular
    traces = [
        solve(other, own, upper=False).square().sum((-2, -1))
        for other, own in ((rows, own_rows), (columns, own_columns))
    ]
    residual = solve(rows, (p.loc - q.loc).expand(shape), upper=False)
    residual = solve(columns, residual.mT, upper=False)
    distance: Tensor = traces[0] * traces[1] + residual.square().sum((-2, -1)) - n * m
    return q._log_scale() - p._log_scale() + distance / 2
