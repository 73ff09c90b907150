"""The distribution of Cholesky factors of correlation matrices, under its old name."""

from __future__ import annotations

from torch import Tensor

from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.matrix.lkj_cholesky import LKJCholesky

__all__ = ["LKJCorrCholesky"]


@expand_as_torch
class LKJCorrCholesky(LKJCholesky):
    """Today this is `LKJCholesky`.

    Args:
        d: the number of rows.
        eta: the concentration, > 0.
    """

    def __init__(self, d: int, eta: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(d, eta, validate_args=validate_args)
