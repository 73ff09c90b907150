"""The inverse Gaussian distribution."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.divergence import divergence
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.double_precision import in_double
from virgil.ops.log_concave_tail import log_tail_integral
from virgil.ops.normal_tails import log_mills_ratio
from virgil.ops.sizes import Sizes

__all__ = ["InverseGaussian"]


@expand_parameters
class InverseGaussian(TorchDistributionMixin):
    r"""The time at which a Brownian motion with drift first reaches a level; also called Wald.

    The density at x > 0 is :math:`\sqrt{\lambda / (2 \pi x^3)} \exp(-\lambda (x - \mu)^2 / (2 \mu^2 x))` *(Johnson,
    Kotz and Balakrishnan 1994, chapter 15)*. Draws are those of *(Michael, Schucany and Haas 1976)* with implicit
    derivatives. Shape: parameters ``(*batch,)``, event ``()``.

    Args:
        loc: the mean, > 0.
        concentration: lambda > 0; the variance is ``loc ** 3 / concentration``.
    """

    arg_constraints = {"loc": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(
        self, loc: Tensor | float, concentration: Tensor | float, *, validate_args: bool | None = None
    ) -> None:
        self.loc, self.concentration = broadcast_pair(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        with torch.no_grad():
            loc, concentration = self.loc.detach().double(), self.concentration.detach().double()
            drawn = _draw(loc.expand(shape), concentration)
            by_loc = _slope(drawn, loc, concentration)
            by_concentration = (drawn - loc * by_loc) / concentration  # as loc and concentration scale, so do draws
        moved = by_loc * (self.loc - loc) + by_concentration * (self.concentration - concentration)
        return (drawn + moved).to(self.loc.dtype).clamp_min(torch.finfo(self.loc.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.loc, self.concentration)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_cdf, value, self.loc, self.concentration)

    def entropy(self) -> Tensor:
        return in_double(_entropy, self.loc, self.concentration)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        ratio = 1.5 * self.loc / self.concentration
        return self.loc / ((1 + ratio.square()).sqrt() + ratio)

    @property
    def variance(self) -> Tensor:
        return self.loc**3 / self.concentration


def _draw(loc: Tensor, concentration: Tensor) -> Tensor:
    half = torch.randn_like(loc).square() * loc / (2 * concentration)
    # the smaller root of a quadratic equation, of which the two roots multiply to loc ** 2
    smaller = 1 / (1 + half + (half * (half + 2)).sqrt())
    keep = torch.rand_like(loc) * (1 + smaller) <= 1
    return loc * torch.where(keep, smaller, 1 / smaller)


def _slope(drawn: Tensor, loc: Tensor, concentration: Tensor) -> Tensor:
    """The derivative of a draw by ``loc`` at a fixed quantile: minus dF/dloc, over the density."""
    far = (concentration / drawn).sqrt() * (drawn / loc + 1)
    return 2 * concentration / loc.square() * (drawn**3 / concentration).sqrt() * log_mills_ratio(far).exp()


def _entropy(loc: Tensor, concentration: Tensor) -> Tensor:
    # the mean logarithm is log(loc) - exp(t) * E1(t), by the exponential integral at t
    t = 2 * concentration / loc
    below = log_tail_integral(lambda s: -t.unsqueeze(-1) * torch.expm1(s), t).exp()
    return (1 + math.log(2 * math.pi) - concentration.log()) / 2 + 1.5 * (loc.log() - below)


@divergence(InverseGaussian, InverseGaussian)
def _kl_inverse_gaussian(p: InverseGaussian, q: InverseGaussian) -> Tensor:
    return in_double(_divergence, p.loc, p.concentration, q.loc, q.concentration)


def _divergence(loc: Tensor, concentration: Tensor, other_loc: Tensor, other: Tensor) -> Tensor:
    ratio = (other - concentration) / concentration
    return (ratio - torch.log1p(ratio)) / 2 + other * ((loc - other_loc) / other_loc).square() / (2 * loc)


def _log_prob(value: Tensor, loc: Tensor, concentration: Tensor) -> Tensor:
    log_size = (concentration.log() - 3 * value.log() - math.log(2 * math.pi)) / 2
    return log_size - concentration * (value / loc - 1).square() / (2 * value)


def _cdf(value: Tensor, loc: Tensor, concentration: Tensor) -> Tensor:
    root = (concentration / value).sqrt()
    near, far = root * (value / loc - 1), root * (value / loc + 1)
    # exp(2 concentration / loc) times the density at far is that at near
    above = (log_mills_ratio(far) - near.square() / 2).exp() / math.sqrt(2 * math.pi)
    below: Tensor = torch.special.ndtr(near)
    return below + above
