"""The Wishart distribution."""

from __future__ import annotations

from typing import cast

from torch import Size, Tensor
from torch import distributions as td
from torch.types import _size

from virgil.distributions.shape_algebra import TorchDistributionMixin

__all__ = ["Wishart"]


class Wishart(TorchDistributionMixin, td.Wishart):
    """Positive definite matrices: the scatter of ``df`` normal vectors *(Wishart 1928)*.

    Args:
        df: degrees of freedom, > n - 1. Shape: (*batch,).
        covariance_matrix: of the normal vectors. Shape: (*batch, n, n).
        precision_matrix: its inverse, in place of it. Shape: (*batch, n, n).
        scale_tril: its lower Cholesky factor, in place of it. Shape: (*batch, n, n).
    """

    def rsample(self, sample_shape: _size = (), max_try_correction: int | None = None) -> Tensor:
        # torch 2.13 takes the positive definite draws for singular, warns of them and draws each again
        return cast(Tensor, self._bartlett_sampling(Size(sample_shape)))
