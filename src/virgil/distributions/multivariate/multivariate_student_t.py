"""The multivariate Student's t distribution."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import lazy_property

from virgil.distributions.continuous.chi2 import Chi2
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.gamma_ratio import log_gamma_ratio
from virgil.ops.sizes import Sizes

__all__ = ["MultivariateStudentT"]


class MultivariateStudentT(TorchDistributionMixin):
    r"""A vector with heavy tails: a normal one divided by a random number that all entries share.

    Its density at x is proportional to :math:`(1 + z^\top z / \nu)^{-(\nu + n) / 2}`, where :math:`\nu` is ``df`` and
    :math:`z = L^{-1} (x - \mu)` *(Kotz and Nadarajah 2004, chapter 1)*. It approaches a normal one as ``df`` grows.
    Shape: event ``(n,)``.

    Args:
        df: degrees of freedom, > 0; moments of this order and above do not exist. Shape: ``(*batch,)``.
        loc: median, and the mean where there is one. Shape: ``(*batch, n)``.
        scale_tril: lower Cholesky factor L of the scale matrix, which is not the covariance. Shape: ``(*batch, n, n)``.

    Raises:
        ShapeError: ``loc`` is no vector, or ``scale_tril`` no matrix.
    """

    arg_constraints = {
        "df": constraints.positive,
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, df: Tensor | float, loc: Tensor, scale_tril: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1 or scale_tril.dim() < 2:
            raise ShapeError(
                f"MultivariateStudentT got a loc of shape {tuple(loc.shape)} and a scale_tril of shape "
                f"{tuple(scale_tril.shape)}; it takes shapes (*batch, n) and (*batch, n, n)."
            )
        df = torch.as_tensor(df, dtype=loc.dtype, device=loc.device)
        batch_shape = broadcast_shapes(df.shape, loc.shape[:-1], scale_tril.shape[:-2])
        (size,) = event_shape = Size(broadcast_shapes(loc.shape[-1:], scale_tril.shape[-1:]))
        self.df = df.expand(batch_shape)
        self.loc = loc.expand((*batch_shape, size))
        self._factor = scale_tril
        super().__init__(Size(batch_shape), event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(MultivariateStudentT, _instance)
        shape = Size(batch_shape)
        new.df, new.loc = self.df.expand(shape), self.loc.expand(shape + self._event_shape)
        new._factor = self._factor
        super(MultivariateStudentT, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the scale matrix. Shape: ``(*batch, n, n)``."""
        size = self._event_shape[0]
        return self._factor.expand((*self._batch_shape, size, size))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The scale matrix L L'; the covariance is ``df / (df - 2)`` times that. Shape: ``(*batch, n, n)``."""
        return self.scale_tril @ self.scale_tril.mT

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the scale matrix. Shape: ``(*batch, n, n)``."""
        return torch.cholesky_inverse(self.scale_tril)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        normal = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        chi2 = Chi2(self.df, validate_args=False).rsample(sample_shape)
        shrinking = (chi2 / self.df).sqrt().unsqueeze(-1)
        return self.loc + (self._factor @ (normal / shrinking).unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.df, self.loc, self._factor)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.df, self._factor)

    @property
    def mean(self) -> Tensor:
        return torch.where(self.df.unsqueeze(-1) > 1, self.loc, torch.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        df = self.df.unsqueeze(-1)
        above = torch.where(df > 2, df, 3.0)
        scaled = self.scale_tril.square().sum(-1) * (above / (above - 2))
        return torch.where(df > 2, scaled, torch.where(df > 1, torch.inf, torch.nan))


def _log_normaliser(df: Tensor, scale_tril: Tensor) -> Tensor:
    size = scale_tril.shape[-1]
    log_det = scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return log_gamma_ratio(df / 2, size) - size / 2 * (df * math.pi).log() - log_det


def _log_prob(value: Tensor, df: Tensor, loc: Tensor, scale_tril: Tensor) -> Tensor:
    size = scale_tril.shape[-1]
    residual = (value - loc).unsqueeze(-1)
    factor = scale_tril.expand((*residual.shape[:-2], size, size))
    square = torch.linalg.solve_triangular(factor, residual, upper=False).square().sum((-2, -1))
    return _log_normaliser(df, scale_tril) - (df + size) / 2 * torch.log1p(square / df)


def _entropy(df: Tensor, scale_tril: Tensor) -> Tensor:
    size = scale_tril.shape[-1]
    log_square = torch.digamma((df + size) / 2) - torch.digamma(df / 2)
    return (df + size) / 2 * log_square - _log_normaliser(df, scale_tril)
