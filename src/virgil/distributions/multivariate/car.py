"""The conditional autoregression of a map's areas."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch.distributions.utils import lazy_property

from virgil.distributions import constraints
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.all_true import all_true
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["CAR"]


class CAR(TorchDistributionMixin):
    r"""A normal vector of areas, each of which is near the mean of its neighbours *(Besag 1974)*.

    Given all others, an area has the mean :math:`\mu_i + \alpha \sum_j W_{ij} (x_j - \mu_j) / d_i` and the precision
    :math:`\tau d_i`, where W says which areas are neighbours and :math:`d_i = \sum_j W_{ij}`. The precision matrix is
    :math:`\tau (D - \alpha W)`, and its determinant is :math:`\tau^n \prod d_i \prod (1 - \alpha \lambda_i)`, where
    :math:`\lambda` are the eigenvalues of :math:`D^{-1/2} W D^{-1/2}` *(Jin, Carlin and Banerjee 2005)*. Shape: event
    ``(n,)``.

    Args:
        loc: mean. Shape: ``(*batch, n)``.
        correlation: alpha, between -1 and 1. Shape: ``(*batch,)``.
        conditional_precision: tau > 0. Shape: ``(*batch,)``.
        adj_matrix: W, symmetric, with no entry below zero; every area has a neighbour. It may be sparse. Shape:
            ``(n, n)``.
        eigenvalues: those of W, from :meth:`spectrum`, where a program makes the distribution again and again; they
            take time proportional to the cube of n. Shape: ``(n,)``.

    Raises:
        ShapeError: ``loc`` is no vector, or ``adj_matrix`` no matrix of its size.
        ArgumentError: ``adj_matrix`` is not symmetric, has an entry below zero, or an area without neighbours.

    >>> line = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> CAR(torch.zeros(3), 0.5, 2.0, line).precision_matrix
    tensor([[ 2., -1.,  0.],
            [-1.,  4., -1.],
            [ 0., -1.,  2.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "correlation": constraints.interval(-1.0, 1.0),
        "conditional_precision": constraints.positive,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        correlation: Tensor | float,
        conditional_precision: Tensor | float,
        adj_matrix: Tensor,
        *,
        eigenvalues: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        size = loc.shape[-1:]
        if not size or adj_matrix.shape != size + size:
            raise ShapeError(
                f"CAR got a loc of shape {tuple(loc.shape)} and an adj_matrix of shape {tuple(adj_matrix.shape)}; it "
                "takes (*batch, n) and (n, n)."
            )
        numbers = [torch.as_tensor(each).to(loc) for each in (correlation, conditional_precision)]
        batch_shape = Size(broadcast_shapes(loc.shape[:-1], *(each.shape for each in numbers)))
        self.loc = loc.expand(batch_shape + size)
        self.correlation, self.conditional_precision = (each.expand(batch_shape) for each in numbers)
        self.adj_matrix, self._eigenvalues = adj_matrix.to(loc), eigenvalues
        super().__init__(batch_shape, size, validate_args=validate_args)
        if self._validate_args:
            self._check_neighbours()

    def _check_neighbours(self) -> None:
        matrix = self._dense
        if not all_true((matrix == matrix.mT) & (matrix >= 0)) or not all_true(self._degrees > 0):
            raise ArgumentError(
                "CAR takes an adj_matrix that is symmetric, has no entry below zero, and no row of zeros. Leave out "
                "areas without neighbours, or state them by a Normal."
            )

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(CAR, _instance)
        shape = Size(batch_shape)
        new.loc = self.loc.expand(shape + self._event_shape)
        new.correlation, new.conditional_precision = (
            each.expand(shape) for each in (self.correlation, self.conditional_precision)
        )
        new.adj_matrix, new._eigenvalues = self.adj_matrix, self._eigenvalues
        super(CAR, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @staticmethod
    def spectrum(adj_matrix: Tensor) -> Tensor:
        """The eigenvalues of an adjacency matrix over the roots of its row sums and column sums. Shape: ``(n,)``."""
        dense = adj_matrix.to_dense() if adj_matrix.is_sparse else adj_matrix
        root = dense.sum(-1).rsqrt()
        values: Tensor = torch.linalg.eigvalsh(root.unsqueeze(-1) * dense * root)
        return values

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance. Shape: ``(*batch, n, n)``."""
        return _precision(self, self.correlation, self.conditional_precision)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        normal = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device).unsqueeze(-1)
        upper = torch.linalg.cholesky(self.precision_matrix).mT.expand(shape + shape[-1:])
        offset: Tensor = torch.linalg.solve_triangular(upper, normal, upper=True).squeeze(-1)
        return self.loc + offset

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(self._log_prob, value, self.loc, self.correlation, self.conditional_precision)

    def _log_prob(self, value: Tensor, loc: Tensor, correlation: Tensor, precision: Tensor) -> Tensor:
        residual = value - loc
        own = (self._degrees * residual.square()).sum(-1)
        neighbours = (residual * self._weighed(residual)).sum(-1)
        square = precision * (own - correlation * neighbours)
        return (self._log_det(correlation, precision) - square - self._event_shape[0] * math.log(2 * math.pi)) / 2

    def entropy(self) -> Tensor:
        log_det = in_double(self._log_det, self.correlation, self.conditional_precision)
        return (self._event_shape[0] * (1 + math.log(2 * math.pi)) - log_det) / 2

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return torch.cholesky_inverse(torch.linalg.cholesky(self.precision_matrix)).diagonal(dim1=-2, dim2=-1)

    @property
    def _dense(self) -> Tensor:
        return self.adj_matrix.to_dense() if self.adj_matrix.is_sparse else self.adj_matrix

    @lazy_property
    def _degrees(self) -> Tensor:
        sums = self.adj_matrix.sum(-1)
        return sums.to_dense() if sums.is_sparse else sums

    def _weighed(self, residual: Tensor) -> Tensor:
        """The sum over the neighbours of each area."""
        matrix = self.adj_matrix.to(residual)
        if not matrix.is_sparse:
            return residual @ matrix
        rows = residual.reshape(-1, residual.shape[-1])
        sums: Tensor = torch.sparse.mm(matrix, rows.mT)
        return sums.mT.reshape(residual.shape)

    def _log_det(self, correlation: Tensor, precision: Tensor) -> Tensor:
        """Of the precision matrix."""
        values = self.spectrum(self.adj_matrix.to(precision)) if self._eigenvalues is None else self._eigenvalues
        turned = torch.log1p(-correlation.unsqueeze(-1) * values.to(precision)).sum(-1)
        return self._event_shape[0] * precision.log() + self._degrees.log().sum() + turned


@divergence(CAR, CAR)
def _kl_car(p: CAR, q: CAR) -> Tensor:
    numbers = p.loc, p.correlation, p.conditional_precision, q.loc, q.correlation, q.conditional_precision

    def formula(*given: Tensor) -> Tensor:
        (_, correlation, precision), (loc, other_correlation, other_precision) = given[:3], given[3:]
        factor: Tensor = torch.linalg.cholesky(_precision(p, correlation, precision))
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        # the trace of the other precision times this covariance
        trace: Tensor = (_precision(q, other_correlation, other_precision) * torch.cholesky_inverse(factor)).sum(
            (-2, -1)
        )
        at_mean = q._log_prob(given[0], loc, other_correlation, other_precision)
        size = p.loc.shape[-1]
        return -at_mean + trace / 2 + (log_det - size * math.log(2 * math.pi) - size) / 2

    return in_double(formula, *numbers)


def _precision(fn: CAR, correlation: Tensor, precision: Tensor) -> Tensor:
    dense = fn._dense.to(precision)
    matrix: Tensor = precision[..., None, None] * (torch.diag(dense.sum(-1)) - correlation[..., None, None] * dense)
    return matrix
