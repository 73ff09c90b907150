"""The projected normal distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.double_precision import in_double
from virgil.ops.half_line_moments import log_half_line_moment
from virgil.ops.sizes import Sizes
from virgil.ops.unit_vectors import safe_normalize

__all__ = ["ProjectedNormal"]


@expand_parameters
class ProjectedNormal(TorchDistributionMixin):
    r"""The direction of a normal vector with unit covariance and mean ``concentration``, in any number of dimensions.

    With :math:`t = u^\top m` its density at the unit vector u, by the area of the sphere, is
    :math:`(2 \pi)^{-n / 2} e^{-|m - t u|^2 / 2} \int_0^\infty r^{n - 1} e^{-(r - t)^2 / 2} \, dr`
    *(Hernandez-Stumpfhauser, Breidt and van der Woerd 2017)*. It is uniform where m is zero. A draw is a
    normalised normal vector, so it has a pathwise derivative. Shape: event ``(n,)``.

    Args:
        concentration: the mean m of the normal vector: its direction is the mode, its length says how narrow the
            distribution is. Shape: ``(*batch, n)``.

    Raises:
        ShapeError: ``concentration`` is no vector.

    >>> ProjectedNormal(torch.zeros(3)).log_prob(torch.tensor([0.0, 0.0, 1.0])).exp() * 4 * torch.pi
    tensor(1.0000)
    """

    arg_constraints = {"concentration": constraints.real_vector}
    support = constraints.sphere
    has_rsample = True

    def __init__(self, concentration: Tensor, *, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ShapeError("ProjectedNormal got a number as concentration; it takes a vector, of shape (*batch, n).")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        like = self.concentration
        return safe_normalize(like + torch.randn(self.shape(sample_shape), dtype=like.dtype, device=like.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration)

    @property
    def mean(self) -> Tensor:
        """The mean direction: the normalised mean of draws. Shape: ``(*batch, n)``."""
        return safe_normalize(self.concentration)

    @property
    def mode(self) -> Tensor:
        return safe_normalize(self.concentration)


def _log_prob(value: Tensor, concentration: Tensor) -> Tensor:
    size = value.shape[-1]
    along = (value * concentration).sum(-1)
    across = (concentration - along.unsqueeze(-1) * value).square().sum(-1)
    return log_half_line_moment(along, size - 1) - across / 2 - size * math.log(2 * math.pi) / 2
