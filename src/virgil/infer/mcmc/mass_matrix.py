"""Mass matrices in blocks, estimated during the warm-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.mcmc.layout import Layout
from virgil.ops.running_covariance import RunningCovariance

__all__ = ["BlockMassMatrix", "Names"]

Names = tuple[str, ...]
"""The variables of a block."""


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The inverse mass matrix of some variables.

    Attributes:
        inverse: the matrix, or its diagonal. Shapes: ``(size, size)``, ``(size,)``.
        factor: its lower Cholesky factor, or the square root of the diagonal.
    """

    inverse: Tensor
    factor: Tensor

    @classmethod
    def of(cls, inverse: Tensor) -> _Block:
        if inverse.dim() == 1:
            return cls(inverse, inverse.sqrt())
        return cls(inverse, torch.linalg.cholesky(inverse))

    def velocity(self, r: Tensor) -> Tensor:
        return self.inverse * r if self.inverse.dim() == 1 else self.inverse.mv(r)

    def momentum(self, noise: Tensor) -> Tensor:
        if self.inverse.dim() == 1:
            return noise / self.factor
        solved: Tensor = torch.linalg.solve_triangular(self.factor.mT, noise.unsqueeze(-1), upper=True)
        return solved.squeeze(-1)

    def whitened(self, r: Tensor) -> Tensor:
        return self.factor * r if self.inverse.dim() == 1 else self.factor.mT.mv(r)


class BlockMassMatrix:
    r"""A mass matrix of blocks of variables, each diagonal or dense.

    Its inverse is adapted to the covariance of the draws of a window of the warm-up, drawn towards 0.001 times the
    identity. With :math:`M^{-1} = L L^T`, a momentum is :math:`M^{1/2} \epsilon = L^{-T} \epsilon`.

    *(Neal 2011, section 4.1; Stan Development Team 2018, section 15.2)*

    Args:
        init_scale: the diagonal of the inverse before it is adapted.

    Attributes:
        names: the variables in the order of vectors, block by block.
    """

    def __init__(self, init_scale: float = 1.0) -> None:
        self._init_scale = init_scale
        self._shapes: dict[Names, tuple[int, ...]] = {}
        self._blocks: dict[Names, _Block] = {}
        self._seen: dict[Names, RunningCovariance] | None = None
        self._options: dict[str, Any] = {}
        self.names: list[str] = []

    def configure(
        self,
        mass_matrix_shape: Mapping[Names, tuple[int, ...]],
        adapt_mass_matrix: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the matrix anew.

        Args:
            mass_matrix_shape: by the names of a block's variables ``(size,)`` for a diagonal block and ``(size, size)``
                for a dense one.
            adapt_mass_matrix: whether :meth:`update` counts.
            options: dtype and device of the matrix.
        """
        self._shapes = {tuple(names): tuple(shape) for names, shape in mass_matrix_shape.items()}
        self._options = dict(options or {})
        self.names = [name for names in self._shapes for name in names]
        self.inverse_mass_matrix = {names: self._identity(shape) for names, shape in self._shapes.items()}
        self._seen = {} if adapt_mass_matrix else None
        self._forget()

    def _identity(self, shape: tuple[int, ...]) -> Tensor:
        diagonal = torch.full(shape[:1], self._init_scale, **self._options)
        return diagonal if len(shape) == 1 else diagonal.diag()

    def _forget(self) -> None:
        if self._seen is not None:
            for names, shape in self._shapes.items():
                like = torch.zeros(shape[0], **self._options)
                self._seen[names] = RunningCovariance.empty(like, shape[0] if len(shape) > 1 else 0)

    @property
    def mass_matrix_size(self) -> dict[Names, int]:
        """By block how many real numbers its variables have."""
        return {names: shape[0] for names, shape in self._shapes.items()}

    @property
    def inverse_mass_matrix(self) -> dict[Names, Tensor]:
        """By block the inverse, or its diagonal. It may be set."""
        return {names: block.inverse for names, block in self._blocks.items()}

    @inverse_mass_matrix.setter
    def inverse_mass_matrix(self, value: Mapping[Names, Tensor]) -> None:
        given = {tuple(names): inverse for names, inverse in value.items()}
        for names, shape in self._shapes.items():
            if names not in given or tuple(given[names].shape) != shape:
                came = tuple(given[names].shape) if names in given else "nothing"
                raise ArgumentError(f"The inverse mass matrix of {names} has the shape {shape}; got {came}.")
        self._blocks = {names: _Block.of(given[names].to(**self._options)) for names in self._shapes}

    def update(self, z: Mapping[str, Tensor], z_grad: Mapping[str, Tensor] | None) -> None:
        """Count a state.

        Args:
            z: the state.
            z_grad: the gradient of the potential energy there.
        """
        if self._seen is not None:
            self._seen = {names: seen.updated(self._row(z, names)) for names, seen in self._seen.items()}

    @staticmethod
    def _row(z: Mapping[str, Tensor], names: Names) -> Tensor:
        return torch.cat([z[name].detach().reshape(-1) for name in names])

    def end_adaptation(self) -> None:
        """Take the covariance of the states that were counted, and forget them."""
        if self._seen is None:
            return
        inverse = {}
        for names, shape in self._shapes.items():
            seen = self._seen[names]
            if seen.count < 2:
                inverse[names] = self._blocks[names].inverse
                continue
            top, bottom = seen.covariance(regularize=True)
            inverse[names] = bottom if len(shape) == 1 else (top + top.mT) / 2
        self.inverse_mass_matrix = inverse
        self._forget()

    # A vector has the variables in the order of `names`.

    def velocity(self, r: Tensor) -> Tensor:
        """The gradient of the kinetic energy, ``M⁻¹ r``. Shape: ``(dim,)``."""
        return self._each(_Block.velocity, r)

    def momentum(self, noise: Tensor) -> Tensor:
        """A momentum of standard normal noise. Shape: ``(dim,)``."""
        return self._each(_Block.momentum, noise)

    def whitened(self, r: Tensor) -> Tensor:
        """The noise of a momentum, whose half square is the kinetic energy. Shape: ``(dim,)``."""
        return self._each(_Block.whitened, r)

    def _each(self, map: Any, vector: Tensor) -> Tensor:
        if len(self._blocks) == 1:
            (block,) = self._blocks.values()
            found: Tensor = map(block, vector)
            return found
        rows = vector.split([shape[0] for shape in self._shapes.values()])
        return torch.cat([map(block, row) for block, row in zip(self._blocks.values(), rows, strict=True)])

    def kinetic_grad(self, r: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """:meth:`velocity` of named tensors."""
        layout = self._layout(r)
        return layout.params(self.velocity(layout.vector(r)))

    def scale(self, r_unscaled: Mapping[Names, Tensor], r_prototype: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """:meth:`momentum` of noise by block.

        Args:
            r_unscaled: the noise. Shape: ``(size,)`` by block.
            r_prototype: tensors of the shapes of the momentum.
        """
        noise = torch.cat([r_unscaled[names] for names in self._shapes])
        return self._layout(r_prototype).params(self.momentum(noise))

    def unscale(self, r: Mapping[str, Tensor]) -> dict[Names, Tensor]:
        """:meth:`whitened` of named tensors, by block."""
        noise = self.whitened(self._layout(r).vector(r))
        return dict(zip(self._shapes, noise.split([shape[0] for shape in self._shapes.values()]), strict=True))

    def _layout(self, r: Mapping[str, Tensor]) -> Layout:
        return Layout({name: r[name].shape for name in self.names})
