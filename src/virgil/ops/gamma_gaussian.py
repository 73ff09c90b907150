"""Gaussian functions of vectors whose precision has an unknown factor, which a gamma distribution has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.ops.affine_normal import matrix_and_gaussian_to_gaussian
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.gaussian import Gaussian
from virgil.ops.vector_integrals import integrated_product

__all__ = [
    "Gamma",
    "GammaGaussian",
    "gamma_and_mvn_to_gamma_gaussian",
    "gamma_gaussian_tensordot",
    "matrix_and_mvn_to_gamma_gaussian",
    "scale_mvn",
]


@dataclass(frozen=True, slots=True, eq=False)
class Gamma:
    r"""A function :math:`e^c s^{a-1} e^{-b s}` of a positive number ``s``, not normalised.

    Attributes:
        log_normalizer: :math:`c`.
        concentration: :math:`a`.
        rate: :math:`b`.
    """

    log_normalizer: Tensor
    concentration: Tensor
    rate: Tensor

    def log_density(self, s: Tensor) -> Tensor:
        """The logarithm of the function's value."""
        return self.log_normalizer + (self.concentration - 1) * s.log() - self.rate * s

    def logsumexp(self) -> Tensor:
        """The logarithm of the integral over all ``s``."""
        return self.log_normalizer + torch.lgamma(self.concentration) - self.concentration * self.rate.log()


@dataclass(frozen=True, slots=True, eq=False)
class GammaGaussian:
    r"""A function :math:`e^c s^\alpha \exp(s (x^T \eta - \tfrac12 x^T \Lambda x - \beta))` of ``x`` and ``s > 0``.

    For each ``s`` it is a :class:`~virgil.ops.gaussian.Gaussian` in ``x`` with the information vector :math:`s \eta`
    and the precision :math:`s \Lambda`. Its integral over all ``x`` is a :class:`Gamma` in ``s``.

    Attributes:
        log_normalizer: :math:`c`. Shape: ``batch``.
        info_vec: :math:`\eta`. Shape: ``(*batch, size)``.
        precision: :math:`\Lambda`, symmetric positive semidefinite. Shape: ``(*batch, size, size)``.
        alpha: :math:`\alpha`. Shape: ``batch``.
        beta: :math:`\beta`. Shape: ``batch``.
    """

    log_normalizer: Tensor
    info_vec: Tensor
    precision: Tensor
    alpha: Tensor
    beta: Tensor

    @property
    def _gaussian(self) -> Gaussian:
        """The function in the exponent, with the factor ``s`` left out; its logarithm is the part that ``s`` scales."""
        return Gaussian(-self.beta, self.info_vec, self.precision)

    def _with(
        self, gaussian: Gaussian, log_normalizer: Tensor | None = None, alpha: Tensor | None = None
    ) -> GammaGaussian:
        return GammaGaussian(
            self.log_normalizer if log_normalizer is None else log_normalizer,
            gaussian.info_vec,
            gaussian.precision,
            self.alpha if alpha is None else alpha,
            -gaussian.log_normalizer,
        )

    def dim(self) -> int:
        """The size of the vectors."""
        return self.info_vec.shape[-1]

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of the batch."""
        shapes = (self._gaussian.batch_shape, self.log_normalizer.shape, self.alpha.shape)
        return broadcast_shapes(*shapes)

    def expand(self, batch_shape: Sequence[int]) -> GammaGaussian:
        """With a batch of this shape, to which the present one broadcasts."""
        shape = tuple(batch_shape)
        return self._with(self._gaussian.expand(shape), self.log_normalizer.expand(shape), self.alpha.expand(shape))

    def reshape(self, batch_shape: Sequence[int]) -> GammaGaussian:
        """With the batch in another shape of the same number of entries."""
        shape, whole = tuple(batch_shape), self.expand(self.batch_shape)
        return whole._with(
            whole._gaussian.reshape(shape), whole.log_normalizer.reshape(shape), whole.alpha.reshape(shape)
        )

    def __getitem__(self, index: object) -> GammaGaussian:
        """A part of the batch."""
        whole = self.expand(self.batch_shape)
        numbers = [each[index] for each in (whole.log_normalizer, whole.alpha)]  # type: ignore[index]
        return whole._with(whole._gaussian[index], *numbers)

    @staticmethod
    def cat(parts: Sequence[GammaGaussian], dim: int = 0) -> GammaGaussian:
        """Batches one after another along a dim of the batch."""
        whole = [part.expand(part.batch_shape) for part in parts]
        place = dim if dim >= 0 else dim + len(whole[0].batch_shape)
        return whole[0]._with(
            Gaussian.cat([part._gaussian for part in whole], place),
            torch.cat([part.log_normalizer for part in whole], place),
            torch.cat([part.alpha for part in whole], place),
        )

    def event_pad(self, left: int = 0, right: int = 0) -> GammaGaussian:
        """As a function of longer vectors, which does not depend on the entries added on the left and on the right."""
        return self._with(self._gaussian.event_pad(left, right))

    def event_permute(self, perm: Tensor | Sequence[int]) -> GammaGaussian:
        """As a function of permuted vectors: the new vector's entry ``i`` is the old one's entry ``perm[i]``."""
        return self._with(self._gaussian.event_permute(perm))

    def __add__(self, other: GammaGaussian) -> GammaGaussian:
        """The product of two functions, whose logarithms add up."""
        both = self._gaussian + other._gaussian
        return self._with(both, self.log_normalizer + other.log_normalizer, self.alpha + other.alpha)

    def log_density(self, value: Tensor, s: Tensor) -> Tensor:
        """The logarithm of the function's value at ``value``, shape ``(*batch, size)``, and ``s``, shape ``batch``."""
        return self.log_normalizer + self.alpha * s.log() + s * self._gaussian.log_density(value)

    def condition(self, value: Tensor) -> GammaGaussian:
        """As a function of the other entries and ``s``, where the last entries have this value."""
        return self._with(self._gaussian.condition(value))

    def marginalize(self, left: int = 0, right: int = 0) -> GammaGaussian:
        """The integral over some entries on one side.

        Args:
            left: how many of the first ones.
            right: how many of the last ones.

        Raises:
            ArgumentError: entries on both sides.
        """
        gaussian = self._gaussian.marginalize(left, right)
        # the integral of the same function without its linear part is a number that s does not scale
        flat = Gaussian(torch.zeros_like(self.beta), torch.zeros_like(self.info_vec), self.precision)
        volume = flat.marginalize(left, right).log_normalizer
        return self._with(gaussian - volume, self.log_normalizer + volume, self.alpha - (left + right) / 2)

    def event_logsumexp(self) -> Gamma:
        """The integral over all vectors, as a function of ``s``."""
        rest = self.marginalize(right=self.dim())
        return Gamma(rest.log_normalizer, rest.alpha + 1, rest.beta)


def scale_mvn(mvn: torch.distributions.MultivariateNormal, s: Tensor) -> torch.distributions.MultivariateNormal:
    """The normal distribution with the same mean and ``s`` times the precision. The batch is that of both."""
    shape = broadcast_shapes(mvn.batch_shape, s.shape)
    size = mvn.loc.shape[-1]
    factor = (mvn.scale_tril / s.sqrt()[..., None, None]).expand(*shape, size, size)
    return type(mvn)(mvn.loc.expand(*shape, size), scale_tril=factor)


def gamma_and_mvn_to_gamma_gaussian(
    gamma: torch.distributions.Gamma, mvn: torch.distributions.MultivariateNormal
) -> GammaGaussian:
    """The joint density of ``s`` and ``x``, where ``s`` is the factor of the precision of ``x``.

    Args:
        gamma: the distribution of ``s``.
        mvn: that of ``x`` if ``s`` is 1.
    """
    size = mvn.loc.shape[-1]
    normal = _scaled(mvn)
    log_normalizer = gamma.concentration * gamma.rate.log() - torch.lgamma(gamma.concentration) + _volume(mvn)
    gaussian = normal - gamma.rate
    shape = broadcast_shapes(gaussian.batch_shape, log_normalizer.shape)
    alpha = gamma.concentration + size / 2 - 1
    return GammaGaussian(log_normalizer, gaussian.info_vec, gaussian.precision, alpha, -gaussian.log_normalizer).expand(
        shape
    )


def matrix_and_mvn_to_gamma_gaussian(matrix: Tensor, mvn: torch.distributions.MultivariateNormal) -> GammaGaussian:
    """The density of ``y = x @ matrix + noise`` as a function of ``(x, y)`` and the factor of the noise's precision.

    Args:
        matrix: what multiplies ``x`` from the right. Shape: ``(*batch, x_size, y_size)``.
        mvn: the noise's distribution if the factor is 1.
    """
    gaussian = matrix_and_gaussian_to_gaussian(matrix, _scaled(mvn))
    volume = _volume(mvn)
    alpha = torch.full_like(volume, mvn.loc.shape[-1] / 2)
    joint = GammaGaussian(volume, gaussian.info_vec, gaussian.precision, alpha, -gaussian.log_normalizer)
    return joint.expand(joint.batch_shape)


def gamma_gaussian_tensordot(x: GammaGaussian, y: GammaGaussian, dims: int = 0) -> GammaGaussian:
    r"""The integral :math:`\int x(a, b, s)\, y(b, c, s)\, db`, a function of ``(a, c)`` and ``s``.

    Args:
        x: of vectors ``(a, b)``.
        y: of vectors ``(b, c)``.
        dims: the size of ``b``.

    Raises:
        ArgumentError: ``b`` is larger than the vectors.
    """
    return integrated_product("gamma_gaussian_tensordot", x, y, dims)


def _scaled(mvn: torch.distributions.MultivariateNormal) -> Gaussian:
    """The part of the logarithm of the density that is in proportion to the precision."""
    vector = (mvn.precision_matrix @ mvn.loc.unsqueeze(-1)).squeeze(-1)
    return Gaussian(-(vector * mvn.loc).sum(-1) / 2, vector, mvn.precision_matrix)


def _volume(mvn: torch.distributions.MultivariateNormal) -> Tensor:
    """The rest of it, for a precision whose factor is 1."""
    logs = mvn.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return -logs - mvn.loc.shape[-1] * math.log(2 * math.pi) / 2
