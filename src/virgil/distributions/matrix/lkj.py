"""The distribution of Lewandowski, Kurowicka and Joe, of correlation matrices."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.matrix.lkj_cholesky import LKJCholesky, log_normaliser
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["LKJ"]


class LKJ(TorchDistributionMixin):
    """A correlation matrix R with density proportional to ``det(R)**(concentration - 1)``.

    *(Lewandowski, Kurowicka and Joe 2009.)* `LKJCholesky` has its Cholesky factor, which a model of a covariance needs
    and which costs less. Shape: event ``(dim, dim)``.

    Args:
        dim: number of rows, >= 2.
        concentration: > 0; 1 is uniform over correlation matrices, above 1 correlations are weak. Shape: ``(*batch,)``.

    Raises:
        ArgumentError: fewer rows than two.

    >>> LKJ(3, 2.0).variance[0, 1] * 6
    tensor(1.)
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_matrix
    has_rsample = True

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None) -> None:
        self._factor = LKJCholesky(dim, concentration, validate_args=False)
        self.dim, self.concentration = dim, self._factor.concentration
        super().__init__(self.concentration.shape, Size((dim, dim)), validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(LKJ, _instance)
        new._factor = self._factor.expand(Size(batch_shape))
        new.dim, new.concentration = self.dim, new._factor.concentration
        super(LKJ, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        factor = self._factor.rsample(sample_shape)
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration)

    def entropy(self) -> Tensor:
        dim = self.dim
        return in_double(lambda concentration: _entropy(concentration, dim), self.concentration)

    @property
    def mean(self) -> Tensor:
        unit = torch.eye(self.dim, dtype=self.concentration.dtype, device=self.concentration.device)
        return unit.expand(self.shape())

    @property
    def mode(self) -> Tensor:
        """The unit matrix where ``concentration > 1``; NaN where there is no single mode."""
        return torch.where(self.concentration[..., None, None] > 1, self.mean, torch.nan)

    @property
    def variance(self) -> Tensor:
        # each correlation is 2 * Beta(a, a) - 1 with a = concentration - 1 + dim / 2
        return (1 - self.mean) / (2 * self.concentration + self.dim - 1)[..., None, None]


def _log_prob(value: Tensor, concentration: Tensor) -> Tensor:
    log_det: Tensor = torch.linalg.slogdet(value).logabsdet
    return (concentration - 1) * log_det - log_normaliser(concentration, value.shape[-1])


def _entropy(concentration: Tensor, dim: int) -> Tensor:
    """By the mean of log det R: each row's squared diagonal is Beta(concentration + (dim - 1 - k) / 2, k / 2)."""
    before = torch.arange(1, dim, dtype=concentration.dtype, device=concentration.device) / 2
    whole = concentration.unsqueeze(-1) + (dim - 1) / 2
    log_det = (torch.digamma(whole - before) - torch.digamma(whole)).sum(-1)
    return log_normaliser(concentration, dim) - (concentration - 1) * log_det
