"""``ArrowheadMassMatrix``: dense for some variables, diagonal for the rest, estimated from gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.infer.mcmc.mass_matrix import BlockMassMatrix, Names
from virgil.ops.arrowhead import SymmArrowhead, sqrt, triu_gram, triu_inverse, triu_matvecmul
from virgil.ops.running_covariance import RunningCovariance

__all__ = ["ArrowheadMassMatrix"]

_SHARE = 0.99


class ArrowheadMassMatrix(BlockMassMatrix):
    r"""A mass matrix whose first rows are dense and whose other rows are diagonal.

    The variables of dense blocks come first, and meet all others. The matrix itself, not its inverse, is adapted to the
    covariance of the gradients: for a normal posterior both are its precision. So a few global variables are related to
    many local ones at a cost that is linear in their number. With :math:`M = U U^T` a momentum is :math:`U \epsilon`.

    Args:
        init_scale: the diagonal of the matrix before it is adapted.
    """

    def configure(
        self,
        mass_matrix_shape: Mapping[Names, tuple[int, ...]],
        adapt_mass_matrix: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        dense = {names: shape for names, shape in mass_matrix_shape.items() if len(shape) > 1}
        rest = {names: shape for names, shape in mass_matrix_shape.items() if len(shape) == 1}
        self._options = dict(options or {})
        self.names = [name for names in (*dense, *rest) for name in names]
        self._block = tuple(self.names)
        self._head = sum(shape[0] for shape in dense.values())
        self._dim = self._head + sum(shape[0] for shape in rest.values())
        self._adapts = adapt_mass_matrix
        diagonal = torch.full((self._dim,), self._init_scale, **self._options)
        self.mass_matrix = {self._block: SymmArrowhead(diagonal.diag()[: self._head], diagonal[self._head :])}
        self._start()

    def _start(self) -> None:
        self._gradients = RunningCovariance.empty(torch.zeros(self._dim, **self._options), self._head)

    @property
    def mass_matrix_size(self) -> dict[Names, int]:
        """By block how many real numbers its variables have: there is one block."""
        return {self._block: self._dim}

    @property
    def mass_matrix(self) -> dict[Names, SymmArrowhead]:
        """The matrix, by the one block's names. It may be set."""
        return {self._block: self._matrix}

    @mass_matrix.setter
    def mass_matrix(self, value: Mapping[Names, SymmArrowhead]) -> None:
        (self._matrix,) = value.values()
        self._factor = sqrt(self._matrix)
        self._inverse_factor = triu_inverse(self._factor)

    @property
    def inverse_mass_matrix(self) -> dict[Names, Tensor]:
        """The inverse, which is dense. Shape: ``(dim, dim)``."""
        return {self._block: triu_gram(self._inverse_factor)}

    @inverse_mass_matrix.setter
    def inverse_mass_matrix(self, value: Mapping[Names, Tensor]) -> None:
        (inverse,) = value.values()
        dense = torch.linalg.inv(inverse)
        self.mass_matrix = {self._block: SymmArrowhead(dense[: self._head], dense.diagonal()[self._head :])}

    def update(self, z: Mapping[str, Tensor], z_grad: Mapping[str, Tensor] | None) -> None:
        if self._adapts and z_grad is not None:
            self._gradients = self._gradients.updated(self._row(z_grad, self._block))

    def end_adaptation(self) -> None:
        if self._adapts and self._gradients.count > 1:
            self.mass_matrix = {self._block: _positive(*self._gradients.covariance(regularize=True))}
            self._start()

    def velocity(self, r: Tensor) -> Tensor:
        return triu_matvecmul(self._inverse_factor, self.whitened(r), transpose=True)

    def momentum(self, noise: Tensor) -> Tensor:
        return triu_matvecmul(self._factor, noise)

    def whitened(self, r: Tensor) -> Tensor:
        return triu_matvecmul(self._inverse_factor, r)

    def scale(self, r_unscaled: Mapping[Names, Tensor], r_prototype: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._layout(r_prototype).params(self.momentum(r_unscaled[self._block]))

    def unscale(self, r: Mapping[str, Tensor]) -> dict[Names, Tensor]:
        return {self._block: self.whitened(self._layout(r).vector(r))}


def _positive(top: Tensor, bottom: Tensor) -> SymmArrowhead:
    """The matrix, positive definite: without entries between the last variables the others may be too large for it."""
    head = len(top)
    corner, right = top[:, :head], top[:, head:]
    if not head or not len(bottom):
        return SymmArrowhead(top, bottom)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(corner), right / bottom.sqrt(), upper=False)
    share = float(torch.linalg.matrix_norm(white, 2)) ** 2  # of the corner that the others take away
    if share >= _SHARE:
        right = right * (_SHARE / share) ** 0.5
    return SymmArrowhead(torch.cat([corner, right], 1), bottom)
