"""Normal distributions, and affine functions with normal noise, as Gaussian functions of vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.gaussian import Gaussian

__all__ = [
    "AffineNormal",
    "matrix_and_gaussian_to_gaussian",
    "matrix_and_mvn_to_gaussian",
    "mvn_to_gaussian",
]


@dataclass(frozen=True, slots=True, eq=False)
class AffineNormal:
    r"""The density of :math:`y \sim N(x A + b, \mathrm{diag}(s^2))`, as a function of vectors ``(x, y)``.

    It is a :class:`Gaussian` of size ``x_size + y_size`` that knows its form, so that it need not invert matrices.

    Attributes:
        matrix: ``A``, which multiplies from the right. Shape: ``(*batch, x_size, y_size)``.
        loc: ``b``. Shape: ``(*batch, y_size)``.
        scale: ``s``, positive. Shape: ``(*batch, y_size)``.
    """

    matrix: Tensor
    loc: Tensor
    scale: Tensor

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of the batch."""
        return broadcast_shapes(self.matrix.shape[:-2], self.loc.shape[:-1], self.scale.shape[:-1])

    def dim(self) -> int:
        """The size of ``(x, y)``."""
        return sum(self.matrix.shape[-2:])

    def expand(self, batch_shape: Sequence[int]) -> AffineNormal:
        """With a batch of this shape, to which the present one broadcasts."""
        return AffineNormal(
            self.matrix.expand(*batch_shape, *self.matrix.shape[-2:]),
            self.loc.expand(*batch_shape, -1),
            self.scale.expand(*batch_shape, -1),
        )

    def reshape(self, batch_shape: Sequence[int]) -> AffineNormal:
        """With the batch in another shape of the same number of entries."""
        whole, (rows, columns) = self.expand(self.batch_shape), self.matrix.shape[-2:]
        return AffineNormal(
            whole.matrix.reshape(*batch_shape, rows, columns),
            whole.loc.reshape(*batch_shape, columns),
            whole.scale.reshape(*batch_shape, columns),
        )

    def __getitem__(self, index: Any) -> AffineNormal:
        """A part of the batch."""
        index, whole, every = (
            index if isinstance(index, tuple) else (index,),
            self.expand(self.batch_shape),
            slice(None),
        )
        return AffineNormal(
            whole.matrix[(*index, every, every)], whole.loc[(*index, every)], whole.scale[(*index, every)]
        )

    def to_gaussian(self) -> Gaussian:
        """The function of ``(x, y)`` in information form."""
        precision = torch.diag_embed(self.scale.square().reciprocal())
        logs = self.scale.log().sum(-1) + self.loc.shape[-1] * math.log(2 * math.pi) / 2
        vector = (precision @ self.loc.unsqueeze(-1)).squeeze(-1)
        noise = Gaussian(-logs - (self.loc * vector).sum(-1) / 2, vector, precision)
        return matrix_and_gaussian_to_gaussian(self.matrix, noise)

    def condition(self, value: Tensor) -> Gaussian:
        """As a function of ``x``, or of it and the first entries of ``y``, where the last entries have this value."""
        if value.shape[-1] != self.loc.shape[-1]:
            return self.to_gaussian().condition(value)
        scaled = self.matrix / self.scale.unsqueeze(-2)
        apart = (value - self.loc) / self.scale
        logs = self.scale.log().sum(-1) + self.loc.shape[-1] * math.log(2 * math.pi) / 2
        return Gaussian(
            -apart.square().sum(-1) / 2 - logs, (scaled @ apart.unsqueeze(-1)).squeeze(-1), scaled @ scaled.mT
        )

    def left_condition(self, value: Tensor) -> AffineNormal | Gaussian:
        """As a function of ``y`` where ``x`` has this value, or of what is left where its first entries have it."""
        if value.shape[-1] != self.matrix.shape[-2]:
            return self.to_gaussian().left_condition(value)
        loc = (value.unsqueeze(-2) @ self.matrix).squeeze(-2) + self.loc
        return AffineNormal(self.matrix[..., :0, :], loc, self.scale)

    def marginalize(self, left: int = 0, right: int = 0) -> Gaussian:
        """The integral over some entries on one side; over all of ``y`` it is 1 for each ``x``."""
        rows, columns = self.matrix.shape[-2:]
        if left or right != columns:
            return self.to_gaussian().marginalize(left, right)
        shape = self.batch_shape
        return Gaussian(
            self.loc.new_zeros(shape), self.loc.new_zeros(*shape, rows), self.loc.new_zeros(*shape, rows, rows)
        )

    def event_permute(self, perm: Tensor | Sequence[int]) -> Gaussian:
        """As a function of permuted vectors; :meth:`Gaussian.event_permute`."""
        return self.to_gaussian().event_permute(perm)

    def event_pad(self, left: int = 0, right: int = 0) -> Gaussian:
        """As a function of longer vectors; :meth:`Gaussian.event_pad`."""
        return self.to_gaussian().event_pad(left, right)

    def event_logsumexp(self) -> Tensor:
        """The logarithm of the integral over all vectors; :meth:`Gaussian.event_logsumexp`."""
        return self.to_gaussian().event_logsumexp()

    def log_density(self, value: Tensor) -> Tensor:
        """The logarithm of the density of ``y`` at ``(x, y)``. Shape: ``(*batch, size)`` to ``batch``."""
        size = self.matrix.shape[-2]
        return self.condition(value[..., size:]).log_density(value[..., :size])

    def __add__(self, other: AffineNormal | Gaussian | Tensor | float) -> Gaussian:
        """The product of two functions of ``(x, y)``, or with a number whose logarithm is given."""
        return self.to_gaussian() + (other.to_gaussian() if isinstance(other, AffineNormal) else other)

    __radd__ = __add__

    def rsample(self, sample_shape: Sequence[int] = (), noise: Tensor | None = None) -> Tensor:
        """Draws of ``y``, differentiable, where there is no ``x``, as after :meth:`left_condition`.

        Args:
            sample_shape: of how many.
            noise: what the draws are made from, standard normal if not given. Zeros give the mean.

        Raises:
            ArgumentError: there is an ``x``, of which nothing says how it is distributed.
        """
        if self.matrix.shape[-2]:
            raise ArgumentError("AffineNormal.rsample draws y for a given x: call left_condition(x) first.")
        shape = (*sample_shape, *self.batch_shape, self.loc.shape[-1])
        noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device) if noise is None else noise
        return self.loc + self.scale * noise


def mvn_to_gaussian(mvn: torch.distributions.Distribution) -> Gaussian:
    """The density of a multivariate normal distribution, or of independent normal ones, as a Gaussian function.

    Raises:
        ArgumentError: another distribution.
    """
    base = _independent_normal(mvn)
    if base is not None:
        loc, scale = base
        return AffineNormal(loc.new_zeros(0, loc.shape[-1]), loc, scale).to_gaussian()
    if not isinstance(mvn, torch.distributions.MultivariateNormal):
        raise ArgumentError(
            f"mvn_to_gaussian got {mvn}; it takes a MultivariateNormal, or a Normal made one vector by to_event(1)."
        )
    loc, precision = mvn.loc, mvn.precision_matrix
    vector = (precision @ loc.unsqueeze(-1)).squeeze(-1)
    logs = mvn.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + loc.shape[-1] * math.log(2 * math.pi) / 2
    return Gaussian(-logs - (vector * loc).sum(-1) / 2, vector, precision)


def matrix_and_gaussian_to_gaussian(matrix: Tensor, y_gaussian: Gaussian) -> Gaussian:
    """A Gaussian function of ``y - x @ matrix``, as one of ``(x, y)``.

    Args:
        matrix: what multiplies ``x`` from the right. Shape: ``(*batch, x_size, y_size)``.
        y_gaussian: the function, of vectors of ``y_size``.
    """
    precision, vector = y_gaussian.precision, y_gaussian.info_vec
    crossed = -(matrix @ precision)
    corner = -(crossed @ matrix.mT)
    rows, columns = matrix.shape[-2:]
    shape = broadcast_shapes(crossed.shape[:-2], precision.shape[:-2])
    above = torch.cat([corner.expand(*shape, rows, rows), crossed.expand(*shape, rows, columns)], -1)
    below = torch.cat([crossed.mT.expand(*shape, columns, rows), precision.expand(*shape, columns, columns)], -1)
    first = -(matrix @ vector.unsqueeze(-1)).squeeze(-1)
    vector = vector.expand(*first.shape[:-1], columns)
    return Gaussian(y_gaussian.log_normalizer, torch.cat([first, vector], -1), torch.cat([above, below], -2))


def matrix_and_mvn_to_gaussian(matrix: Tensor, mvn: torch.distributions.Distribution) -> Gaussian | AffineNormal:
    """The density of ``y = x @ matrix + noise``, as a function of ``(x, y)``.

    Args:
        matrix: what multiplies ``x`` from the right. Shape: ``(*batch, x_size, y_size)``.
        mvn: the noise's distribution. If its entries are independent, the result is an :class:`AffineNormal`.

    Raises:
        ArgumentError: the noise has another distribution than a normal one.
    """
    base = _independent_normal(mvn)
    if base is None:
        return matrix_and_gaussian_to_gaussian(matrix, mvn_to_gaussian(mvn))
    normal = AffineNormal(matrix, *base)
    return normal.expand(normal.batch_shape)


def _independent_normal(mvn: torch.distributions.Distribution) -> tuple[Tensor, Tensor] | None:
    """Location and scale of normal distributions that are one vector."""
    base = getattr(mvn, "base_dist", None)
    if not isinstance(base, torch.distributions.Normal) or len(mvn.event_shape) != 1:
        return None
    return base.loc.expand(mvn.batch_shape + mvn.event_shape), base.scale.expand(mvn.batch_shape + mvn.event_shape)
