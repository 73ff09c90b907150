"""Gaussian functions of vectors in information form: products, integrals, draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from virgil.errors import ArgumentError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.cholesky import safe_cholesky

__all__ = ["Gaussian"]


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    r"""A function :math:`\exp(c + x^T \eta - \tfrac12 x^T \Lambda x)` of vectors ``x``, not normalised.

    The precision may be singular: directions of no precision are those along which the function does not fall, such as
    those of a variable that it does not depend on. Products add up all three tensors, and an integral over some entries
    is a Schur complement *(Koller and Friedman 2009, section 14.2.1)*.

    Attributes:
        log_normalizer: :math:`c`. Shape: ``batch``.
        info_vec: :math:`\eta`, the precision times the mean. Shape: ``(*batch, size)``.
        precision: :math:`\Lambda`, symmetric positive semidefinite. Shape: ``(*batch, size, size)``.

    >>> standard = Gaussian(torch.zeros(()), torch.zeros(2), torch.eye(2))
    >>> standard.event_logsumexp()  # the logarithm of 2 pi
    tensor(1.8379)
    """

    log_normalizer: Tensor
    info_vec: Tensor
    precision: Tensor

    def __post_init__(self) -> None:
        size = self.info_vec.shape[-1:]
        if not size or self.precision.shape[-2:] != (*size, *size):
            raise ArgumentError(
                f"Gaussian got info_vec of shape {tuple(self.info_vec.shape)} and precision of shape "
                f"{tuple(self.precision.shape)}; it takes (*batch, size) and (*batch, size, size)."
            )

    def dim(self) -> int:
        """The size of the vectors."""
        return self.info_vec.shape[-1]

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of the batch."""
        return broadcast_shapes(self.log_normalizer.shape, self.info_vec.shape[:-1], self.precision.shape[:-2])

    def expand(self, batch_shape: Sequence[int]) -> Gaussian:
        """With a batch of this shape, to which the present one broadcasts."""
        size = self.dim()
        return Gaussian(
            self.log_normalizer.expand(tuple(batch_shape)),
            self.info_vec.expand(*batch_shape, size),
            self.precision.expand(*batch_shape, size, size),
        )

    def reshape(self, batch_shape: Sequence[int]) -> Gaussian:
        """With the batch in another shape of the same number of entries."""
        size, whole = self.dim(), self.expand(self.batch_shape)
        return Gaussian(
            whole.log_normalizer.reshape(tuple(batch_shape)),
            whole.info_vec.reshape(*batch_shape, size),
            whole.precision.reshape(*batch_shape, size, size),
        )

    def __getitem__(self, index: Any) -> Gaussian:
        """A part of the batch."""
        index, whole = index if isinstance(index, tuple) else (index,), self.expand(self.batch_shape)
        every = slice(None)
        return Gaussian(
            whole.log_normalizer[index], whole.info_vec[(*index, every)], whole.precision[(*index, every, every)]
        )

    @staticmethod
    def cat(parts: Sequence[Gaussian], dim: int = 0) -> Gaussian:
        """Batches one after another along a dim of the batch."""
        if len(parts) == 1:
            return parts[0]
        whole = [part.expand(part.batch_shape) for part in parts]
        place = dim if dim >= 0 else dim + len(whole[0].batch_shape)
        return Gaussian(
            torch.cat([part.log_normalizer for part in whole], place),
            torch.cat([part.info_vec for part in whole], place),
            torch.cat([part.precision for part in whole], place),
        )

    def event_pad(self, left: int = 0, right: int = 0) -> Gaussian:
        """As a function of longer vectors, which does not depend on the entries added on the left and on the right."""
        vector = pad(self.info_vec, (left, right))
        return Gaussian(self.log_normalizer, vector, pad(self.precision, (left, right, left, right)))

    def event_permute(self, perm: Tensor | Sequence[int]) -> Gaussian:
        """As a function of permuted vectors: the new vector's entry ``i`` is the old one's entry ``perm[i]``."""
        order = torch.as_tensor(perm, device=self.info_vec.device)
        if order.shape != (self.dim(),):
            raise ArgumentError(
                f"event_permute got an order of shape {tuple(order.shape)} for vectors of size {self.dim()}."
            )
        return Gaussian(self.log_normalizer, self.info_vec[..., order], self.precision[..., order[:, None], order])

    def __add__(self, other: Gaussian | Tensor | float) -> Gaussian:
        """The product of two functions, whose logarithms add up; or with a number whose logarithm is given."""
        if not isinstance(other, Gaussian):
            return Gaussian(self.log_normalizer + other, self.info_vec, self.precision)
        if self.dim() != other.dim():
            raise ArgumentError(f"Gaussians of vectors of sizes {self.dim()} and {other.dim()} have no product.")
        return Gaussian(
            self.log_normalizer + other.log_normalizer,
            self.info_vec + other.info_vec,
            self.precision + other.precision,
        )

    __radd__ = __add__

    def __sub__(self, other: Tensor | float) -> Gaussian:
        """Divided by a number whose logarithm is given."""
        return self + -other

    def log_density(self, value: Tensor) -> Tensor:
        """The logarithm of the function's value. Shape: ``(*batch, size)`` to ``batch``."""
        product = (self.precision @ value.unsqueeze(-1)).squeeze(-1)
        return (value * (self.info_vec - product / 2)).sum(-1) + self.log_normalizer

    def condition(self, value: Tensor) -> Gaussian:
        """As a function of the other entries, where the last ones have this value.

        The result holds the density of the value: ``g.condition(y).log_density(x)`` is that of ``g`` at ``(x, y)``.

        Args:
            value: of the last entries. Shape: ``(*batch, part)``.
        """
        kept = self.dim() - value.shape[-1]
        last, cross = self.precision[..., kept:, kept:], self.precision[..., :kept, kept:]
        product = (last @ value.unsqueeze(-1)).squeeze(-1)
        density = (value * (self.info_vec[..., kept:] - product / 2)).sum(-1)
        return Gaussian(
            self.log_normalizer + density,
            self.info_vec[..., :kept] - (cross @ value.unsqueeze(-1)).squeeze(-1),
            self.precision[..., :kept, :kept],
        )

    def left_condition(self, value: Tensor) -> Gaussian:
        """As a function of the last entries, where the first ones have this value. As :meth:`condition`."""
        return self._rolled(value.shape[-1]).condition(value)

    def marginalize(self, left: int = 0, right: int = 0) -> Gaussian:
        """The integral over some entries on one side.

        Args:
            left: how many of the first ones.
            right: how many of the last ones.

        Raises:
            ArgumentError: entries on both sides.
        """
        if left and right:
            raise ArgumentError(
                "marginalize takes entries on one side; for both, permute them to one by event_permute."
            )
        if left:
            return self._rolled(left).marginalize(right=left)
        if not right:
            return self
        kept = self.dim() - right
        factor = safe_cholesky(self.precision[..., kept:, kept:])
        both = torch.cat([self.precision[..., kept:, :kept], self.info_vec[..., kept:].unsqueeze(-1)], -1)
        solved = torch.linalg.solve_triangular(factor, both, upper=False)
        cross, vector = solved[..., :-1], solved[..., -1]
        logs = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return Gaussian(
            self.log_normalizer + vector.square().sum(-1) / 2 - logs + right * math.log(2 * math.pi) / 2,
            self.info_vec[..., :kept] - (cross.mT @ vector.unsqueeze(-1)).squeeze(-1),
            self.precision[..., :kept, :kept] - cross.mT @ cross,
        )

    def event_logsumexp(self) -> Tensor:
        """The logarithm of the integral over all vectors. Shape: ``batch``."""
        return self.marginalize(right=self.dim()).log_normalizer

    def rsample(self, sample_shape: Sequence[int] = (), noise: Tensor | None = None) -> Tensor:
        """Draws from the normalised function, differentiable.

        Args:
            sample_shape: of how many.
            noise: what the draws are made from, standard normal if not given. Zeros give the mean.

        Returns:
            Shape: ``(*sample_shape, *batch, size)``.
        """
        shape = (*sample_shape, *self.batch_shape, self.dim())
        noise = torch.randn(shape, dtype=self.precision.dtype, device=self.precision.device) if noise is None else noise
        factor = safe_cholesky(self.precision)
        whitened = torch.linalg.solve_triangular(factor, self.info_vec.unsqueeze(-1), upper=False)
        draws = torch.linalg.solve_triangular(factor.mT, whitened + noise.unsqueeze(-1), upper=True)
        result: Tensor = draws.squeeze(-1).expand(shape)
        return result

    def _rolled(self, count: int) -> Gaussian:
        """With the first entries moved to the end."""
        places = list(range(self.dim()))
        return self.event_permute(places[count:] + places[:count])
