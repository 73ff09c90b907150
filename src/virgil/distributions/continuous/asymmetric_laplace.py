"""The asymmetric Laplace distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["AsymmetricLaplace"]


@expand_parameters
class AsymmetricLaplace(TorchDistributionMixin):
    """A real number with exponential tails of two scales: ``exp(-|x - loc| / side) / (left + right)``.

    The side is ``left = scale * asymmetry`` below ``loc`` and ``right = scale / asymmetry`` above it *(Kozubowski and
    Podgorski 2000)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: the mode.
        scale: > 0; the geometric mean of the two scales.
        asymmetry: > 0; the root of the ratio of the left scale to the right one.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "asymmetry": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        asymmetry: Tensor | float,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.asymmetry = broadcast_all(loc, scale, asymmetry)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def left_scale(self) -> Tensor:
        """The mean distance from ``loc`` of what lies below it."""
        return self.scale * self.asymmetry

    @property
    def right_scale(self) -> Tensor:
        """The mean distance from ``loc`` of what lies above it."""
        return self.scale / self.asymmetry

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.icdf(open_unit_interval(self.shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance, left, right = value - self.loc, self.left_scale, self.right_scale
        return -distance.abs() / torch.where(distance < 0, left, right) - (left + right).log()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance, left, right = value - self.loc, self.left_scale, self.right_scale
        tail = torch.where(distance < 0, left, right)
        mass = tail / (left + right) * (-distance.abs() / tail).exp()
        return torch.where(distance < 0, mass, 1 - mass)

    def icdf(self, value: Tensor) -> Tensor:
        left, right = self.left_scale, self.right_scale
        total = left + right
        below = value * total < left
        tail = torch.where(below, value * total / left, (1 - value) * total / right)
        return self.loc + torch.where(below, left, -right) * tail.log()

    def entropy(self) -> Tensor:
        return 1 + (self.left_scale + self.right_scale).log()

    @property
    def mean(self) -> Tensor:
        return self.loc + self.right_scale - self.left_scale

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.left_scale.square() + self.right_scale.square()


@divergence(AsymmetricLaplace, AsymmetricLaplace)
def _kl_asymmetric_laplace(p: AsymmetricLaplace, q: AsymmetricLaplace) -> Tensor:
    sides = (p.left_scale, p.right_scale, q.left_scale, q.right_scale)
    return in_double(_divergence, p.loc - q.loc, *sides)


def _divergence(shift: Tensor, left: Tensor, right: Tensor, other_left: Tensor, other_right: Tensor) -> Tensor:
    """From the mean distance on either side of the other mode, which is ``shift`` below the first."""
    total, distance = left + right, shift.abs()
    # of the mass on the side of the first mode where the other one lies, a part is beyond the other one
    is_below = shift > 0
    near = torch.where(is_below, left, right)
    beyond = near.square() / total * (-distance / near).exp()
    towards = distance + torch.where(is_below, right - left, left - right) + beyond
    on_left, on_right = torch.where(is_below, beyond, towards), torch.where(is_below, towards, beyond)
    return ((other_left + other_right) / total).log() - 1 + on_left / other_left + on_right / other_right
