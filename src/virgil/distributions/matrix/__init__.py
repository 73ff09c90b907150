"""Families of matrices: normal ones, covariances, correlations and their Cholesky factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "LKJ",
    "LKJCholesky",
    "MatrixNormal",
    "Wishart",
]

if TYPE_CHECKING:
    from virgil.distributions.matrix.lkj import LKJ
    from virgil.distributions.matrix.lkj_cholesky import LKJCholesky
    from virgil.distributions.matrix.matrix_normal import MatrixNormal
    from virgil.distributions.matrix.wishart import Wishart
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
