"""The von Mises distribution on the sphere."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.errors import ShapeError
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes
from virgil.ops.unit_vectors import safe_normalize

__all__ = ["VonMises3D"]

_SMALL = 0.1
_LANGEVIN = (1 / 3, -1 / 45, 2 / 945, -1 / 4725, 2 / 93555)  # of coth(k) - 1 / k, for the powers 1, 3, ... of k


@expand_parameters
class VonMises3D(TorchDistributionMixin):
    r"""A unit vector u in three dimensions with density proportional to :math:`e^{c^\top u}`.

    It is the distribution of Fisher *(1953)*, which is von Mises and Fisher's in three dimensions: by the area of the
    sphere its density is :math:`\kappa e^{c^\top u} / (4 \pi \sinh \kappa)` with :math:`\kappa = |c|`. It is uniform
    where c is zero. A draw is the quantile of its component along c, and a random direction across,
    so it has a pathwise derivative. Shape: event ``(3,)``.

    Args:
        concentration: c: its direction is the mode, its length the concentration. Shape: ``(*batch, 3)``.

    Raises:
        ShapeError: ``concentration`` is no vector of three numbers.
    """

    arg_constraints = {"concentration": constraints.real_vector}
    support = constraints.sphere
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1 or concentration.shape[-1] != 3:
            raise ShapeError(
                f"VonMises3D got a concentration of shape {tuple(concentration.shape)}; it takes vectors of three "
                "numbers, of shape (*batch, 3). ProjectedNormal takes any number."
            )
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        mode, length = self.mode, _length(self.concentration)
        uniform = open_unit_interval(Size(sample_shape) + self._batch_shape + (1,), mode)
        below_one = -torch.log1p(uniform * torch.expm1(-2 * length)) / length  # 1 - cos of the angle to the mode
        normal = torch.randn(self.shape(sample_shape), dtype=mode.dtype, device=mode.device)
        across = safe_normalize(normal - (normal * mode).sum(-1, keepdim=True) * mode)
        sine = (below_one * (2 - below_one)).clamp(min=0).sqrt()
        return safe_normalize((1 - below_one) * mode + sine * across)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.concentration)

    @property
    def mode(self) -> Tensor:
        return safe_normalize(self.concentration)

    @property
    def mean(self) -> Tensor:
        """The mean of draws, which lies inside the sphere. Shape: ``(*batch, 3)``."""
        return in_double(lambda c: _mean_length(_length(c)) * safe_normalize(c), self.concentration)

    @property
    def variance(self) -> Tensor:
        return in_double(_variance, self.concentration)


def _length(concentration: Tensor) -> Tensor:
    """The length with a dim for the vectors, away from zero, where formulas are 0 / 0. Its derivative there is zero."""
    square = concentration.square().sum(-1, keepdim=True)
    least = torch.finfo(square.dtype).eps ** 0.75
    return square.clamp(min=least**2).sqrt()


def _log_prob(value: Tensor, concentration: Tensor) -> Tensor:
    length = _length(concentration)
    # the exponent less its largest value; a product would have the rounding of a large value's length
    below = (concentration - length * value).square().sum(-1) / (2 * length.squeeze(-1))
    return -below - _log_area(length.squeeze(-1))


def _log_area(length: Tensor) -> Tensor:
    """The area of the sphere, each part weighted by the density over that at the mode."""
    return math.log(2 * math.pi) + (-torch.expm1(-2 * length) / length).log()


def _mean_length(length: Tensor) -> Tensor:
    """coth(k) - 1 / k, which is Langevin's function."""
    small, large = length.clamp(max=_SMALL), length.clamp(min=_SMALL)
    series = torch.zeros_like(small)
    for coefficient in reversed(_LANGEVIN):
        series = series * small.square() + coefficient
    return torch.where(length < _SMALL, small * series, 1 / torch.tanh(large) - 1 / large)


def _entropy(concentration: Tensor) -> Tensor:
    length = _length(concentration).squeeze(-1)
    return _log_area(length) + length * (1 - _mean_length(length))


def _variance(concentration: Tensor) -> Tensor:
    length = _length(concentration)
    square = safe_normalize(concentration).square()
    mean = _mean_length(length)
    across = mean / length
    return across * (1 - square) + (1 - 2 * across - mean.square()) * square
