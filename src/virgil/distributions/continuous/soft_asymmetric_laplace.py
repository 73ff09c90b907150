"""The asymmetric Laplace distribution with a smooth peak."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import broadcast_all

from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double
from virgil.ops.normal_tails import log_exponential_normal
from virgil.ops.sizes import Sizes

__all__ = ["SoftAsymmetricLaplace"]


@expand_parameters
class SoftAsymmetricLaplace(TorchDistributionMixin):
    r"""The sum of a normal number and one of an `AsymmetricLaplace` distribution: smooth, with exponential tails.

    With :math:`z = (x - \mu) / \sigma`, sides l and r, and the density :math:`h` of a standard normal number plus an
    exponential one, over its rate, it has the density :math:`(h(z, \sigma / r) + h(-z, \sigma / l)) / (l + r)` *(Reed
    2006, the normal-Laplace distribution)*. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: the mean of the normal number.
        scale: > 0; the geometric mean of the scales ``scale * asymmetry`` on the left and ``scale / asymmetry`` on the
            right.
        asymmetry: > 0.
        softness: > 0; the standard deviation of the normal number is ``scale * softness``.
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "asymmetry": constraints.positive,
        "softness": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        asymmetry: Tensor | float = 1.0,
        softness: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.asymmetry, self.softness = broadcast_all(loc, scale, asymmetry, softness)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def left_scale(self) -> Tensor:
        """The scale of the tail below."""
        return self.scale * self.asymmetry

    @property
    def right_scale(self) -> Tensor:
        """The scale of the tail above."""
        return self.scale / self.asymmetry

    @property
    def soft_scale(self) -> Tensor:
        """The standard deviation of the normal number."""
        return self.scale * self.softness

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        left, right = torch.empty_like(noise).exponential_(), torch.empty_like(noise).exponential_()
        return self.loc + self.soft_scale * noise + self.right_scale * right - self.left_scale * left

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.loc, self.scale, self.asymmetry, self.softness)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_cdf, value, self.loc, self.scale, self.asymmetry, self.softness)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.right_scale - self.left_scale

    @property
    def variance(self) -> Tensor:
        return self.soft_scale.square() + self.left_scale.square() + self.right_scale.square()


def _tails(z: Tensor, asymmetry: Tensor, softness: Tensor) -> tuple[Tensor, Tensor]:
    z, right, left = torch.broadcast_tensors(z, softness * asymmetry, softness / asymmetry)
    both = log_exponential_normal(torch.stack([z, -z]), torch.stack([right, left]))
    return both[0], both[1]


def _log_prob(value: Tensor, loc: Tensor, scale: Tensor, asymmetry: Tensor, softness: Tensor) -> Tensor:
    right, left = _tails((value - loc) / scale / softness, asymmetry, softness)
    return torch.logaddexp(right, left) - (asymmetry + 1 / asymmetry).log() - scale.log()


def _cdf(value: Tensor, loc: Tensor, scale: Tensor, asymmetry: Tensor, softness: Tensor) -> Tensor:
    z = (value - loc) / scale / softness
    right, left = _tails(z, asymmetry, softness)
    moved = (asymmetry * left.exp() - right.exp() / asymmetry) / (asymmetry + 1 / asymmetry)
    below: Tensor = torch.special.ndtr(z)
    return below + moved
