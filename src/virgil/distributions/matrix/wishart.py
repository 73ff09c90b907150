"""The Wishart distribution."""

from __future__ import annotations

import math
from typing import Any, Self, cast

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.continuous.chi2 import Chi2
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["Wishart"]


class Wishart(TorchDistributionMixin, td.Wishart):
    """A positive definite matrix: the scatter of ``df`` centred normal vectors *(Wishart 1928)*.

    The density at X is proportional to ``det(X)**((df - n - 1) / 2) * exp(-trace(precision_matrix @ X) / 2)``. Shape:
    event ``(n, n)``.

    Args:
        df: degrees of freedom, > n - 1. Shape: ``(*batch,)``.
        covariance_matrix: of the normal vectors. Shape: ``(*batch, n, n)``.
        precision_matrix: its inverse, in place of it. Shape: ``(*batch, n, n)``.
        scale_tril: its lower Cholesky factor, in place of it. Shape: ``(*batch, n, n)``.

    Raises:
        ArgumentError: none of the three matrices is given, or several are.
        ShapeError: the one that is given is no square matrix.
    """

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        # torch's own looks at values of df whatever is to be checked
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        name, matrix = _only(matrices)
        df = torch.as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = broadcast_shapes(df.shape, matrix.shape[:-2])
        self.df = df.expand(batch_shape)
        setattr(self, name, matrix.expand(batch_shape + matrix.shape[-2:]))
        td.Distribution.__init__(self, batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = _FACTORS[name](matrix)
        self._dist_chi2 = self._squared_diagonal()

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Wishart, _instance)
        batch_shape = Size(batch_shape)
        shape = batch_shape + self._event_shape
        new.df = self.df.expand(batch_shape)
        for name in _FACTORS.keys() & self.__dict__.keys():
            setattr(new, name, getattr(self, name).expand(shape))
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril.expand(shape)
        td.Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        new._dist_chi2 = new._squared_diagonal()
        return new

    def _squared_diagonal(self) -> Chi2:
        """The law of the squared diagonal of a draw's Cholesky factor, for the unit matrix *(Bartlett 1933)*."""
        below = torch.arange(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        return Chi2(self.df.unsqueeze(-1) - below, validate_args=False)

    def rsample(self, sample_shape: Sizes = Size(), max_try_correction: int | None = None) -> Tensor:
        # torch 2.13 takes the positive definite draws for singular, warns of them and draws each again
        return cast(Tensor, self._bartlett_sampling(Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.df, self._unbroadcasted_scale_tril)


def _log_prob(value: Tensor, df: Tensor, scale_tril: Tensor) -> Tensor:
    size = value.shape[-1]
    log_scale = scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + size * math.log(2.0) / 2
    powers: Tensor = (df - size - 1) / 2 * torch.linalg.slogdet(value).logabsdet
    trace = torch.cholesky_solve(value, scale_tril).diagonal(dim1=-2, dim2=-1).sum(-1)
    return powers - trace / 2 - df * log_scale - torch.mvlgamma(df / 2, size)


@divergence(Wishart, Wishart)
def _kl_wishart(p: td.Wishart, q: td.Wishart) -> Tensor:
    factors = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    return in_double(_divergence, p.df, factors[0], q.df, factors[1])


def _divergence(df: Tensor, scale_tril: Tensor, other_df: Tensor, other_tril: Tensor) -> Tensor:
    """With ``psi`` the derivative of the logarithm of the multivariate gamma function *(Bishop 2006, section B)*."""
    size = scale_tril.shape[-1]
    ratio: Tensor = torch.linalg.solve_triangular(other_tril, scale_tril, upper=False)
    log_det: Tensor = ratio.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    halves = torch.arange(size, dtype=df.dtype, device=df.device) / 2
    psi = torch.digamma(df.unsqueeze(-1) / 2 - halves).sum(-1)
    shapes = torch.mvlgamma(other_df / 2, size) - torch.mvlgamma(df / 2, size) + (df - other_df) / 2 * psi
    return shapes - other_df * log_det + df / 2 * (ratio.square().sum((-2, -1)) - size)


def _only(matrices: dict[str, Tensor | None]) -> tuple[str, Tensor]:
    given = {name: each for name, each in matrices.items() if each is not None}
    if len(given) != 1:
        raise ArgumentError(
            f"Wishart got {' and '.join(given) or 'no matrix'}; it takes exactly one of {', '.join(matrices)}."
        )
    ((name, matrix),) = given.items()
    if matrix.dim() < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ShapeError(f"Wishart got a {name} of shape {tuple(matrix.shape)}; it takes one of shape (*batch, n, n).")
    return name, matrix


def _factor_of_inverse(precision: Tensor) -> Tensor:
    """The lower Cholesky factor of the inverse of a precision.

    With rows and columns reversed the precision has a lower factor C; C^-T, reversed again, is the factor of the
    inverse.
    """
    factor = torch.linalg.cholesky(precision.flip(-2, -1))
    unit = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    transposed: Tensor = torch.linalg.solve_triangular(factor, unit, upper=False).mT
    return transposed.flip(-2, -1)


_FACTORS = {
    "covariance_matrix": torch.linalg.cholesky,
    "precision_matrix": _factor_of_inverse,
    "scale_tril": lambda matrix: matrix,
}
