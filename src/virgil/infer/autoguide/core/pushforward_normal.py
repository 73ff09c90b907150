"""A normal distribution pushed onto the support of a site."""

from __future__ import annotations

from typing import Any

from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.transforms import Transform

from virgil.distributions import Independent, Normal, TransformedDistribution
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.infer.density.bijection import Bijection
from virgil.ops.sizes import Sizes

__all__ = ["PushforwardNormal", "pushforward_normal"]


class PushforwardNormal(TransformedDistribution):
    """The image of independent normals under one bijection.

    It remembers what its last draw was made of, so that the density at that draw needs no inverse, which costs time and
    digits.

    Args:
        base: normals whose event dims are those of the transform's domain.
        transform: the bijection.
        event_shape: of the value.
    """

    has_rsample = True

    def __init__(self, base: TorchDistributionMixin, transform: Transform, event_shape: Size) -> None:
        self.base_dist = base
        self.transforms = [transform]
        self._drawn: tuple[Tensor, Tensor] | None = None
        td.Distribution.__init__(self, base.batch_shape, event_shape, validate_args=None)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> PushforwardNormal:
        return PushforwardNormal(self.base_dist.expand(Size(batch_shape)), self.transforms[0], self._event_shape)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        unconstrained = self.base_dist.rsample(sample_shape)
        value: Tensor = self.transforms[0](unconstrained)
        self._drawn = (unconstrained, value)
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        transform, drawn = self.transforms[0], self._drawn
        unconstrained = drawn[0] if drawn is not None and drawn[1] is value else transform.inv(value)
        log_volume = transform.log_abs_det_jacobian(unconstrained, value)
        log_prob: Tensor = self.base_dist.log_prob(unconstrained) - log_volume
        return log_prob


def pushforward_normal(loc: Tensor, scale: Tensor, bijection: Bijection, event_shape: Size) -> TorchDistributionMixin:
    """The image of ``Normal(loc, scale)``: a plain normal under the identity, so that its divergences are known."""
    transform, independent = bijection.transform, bijection.independent
    fn: TorchDistributionMixin = Normal(loc, scale)
    if transform is not None:
        own_dim = bijection.unconstrained_event_dim - independent
        if own_dim:
            fn = Independent(fn, own_dim)
        fn = PushforwardNormal(fn, transform, event_shape[independent:])
    return Independent(fn, independent) if independent else fn
