"""A mixture of normal numbers."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.utils import lazy_property

from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.uniform_draws import open_unit_interval
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["NormalMixture"]

_HALVINGS = 60  # of the interval between the quantiles of the components
_ROOT_HALF = math.sqrt(0.5)
_PARAMETERS = ("loc", "scale", "probs", "logits")


class NormalMixture(TorchDistributionMixin):
    """A number from one of several normals: ``sum(weight * normal(x))`` over the last dim of the parameters.

    It is `MixtureSameFamily` of normals with a pathwise derivative: a draw moves with its quantile, so that its
    derivative is ``-(d cdf(x) / d parameter) / density(x)``, by the weights too *(Figurnov, Mohamed and Mnih 2018)*.
    Draws have first derivatives. Shape: parameters ``(*batch, components)``, event ``()``.

    Args:
        loc: means of the components. Shape: ``(*batch, components)``.
        scale: their standard deviations, > 0. Shape: ``(*batch, components)``.
        probs: weights of the components, normalised to sum to one. Shape: ``(*batch, components)``.
        logits: log weights, in place of ``probs``. Equal weights if neither is given.

    Raises:
        ArgumentError: both of ``probs`` and ``logits`` are given.
        ShapeError: the parameters have no dim of components.

    >>> fn = NormalMixture(torch.tensor([-1.0, 2.0]), torch.tensor([0.5, 1.0]), torch.tensor([0.25, 0.75]))
    >>> fn.mean, fn.cdf(torch.tensor(0.5))
    (tensor(1.2500), tensor(0.2998))
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        scale: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if probs is not None and logits is not None:
            raise ArgumentError("NormalMixture takes one of probs and logits: the weights of the components.")
        scale = torch.as_tensor(scale, dtype=loc.dtype, device=loc.device)
        given = logits if probs is None else probs
        weights = torch.zeros_like(loc) if given is None else given
        shape = Size(broadcast_shapes(loc.shape, scale.shape, weights.shape))
        if not shape:
            raise ShapeError("NormalMixture got parameters without dims; the last dim is that of the components.")
        self.loc, self.scale, weights = loc.expand(shape), scale.expand(shape), weights.expand(shape)
        if probs is None:
            self.logits = torch.log_softmax(weights, -1)
        else:
            self.probs = weights / weights.sum(-1, keepdim=True)
        super().__init__(shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(NormalMixture, _instance)
        for name in self.__dict__.keys() & set(_PARAMETERS):
            value = self.__dict__[name]
            setattr(new, name, value.expand((*batch_shape, value.shape[-1])))
        td.Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @lazy_property
    def probs(self) -> Tensor:
        """The weights of the components, which sum to one. Shape: ``(*batch, components)``."""
        return self.logits.exp()

    @lazy_property
    def logits(self) -> Tensor:
        """The logarithms of the weights. Shape: ``(*batch, components)``."""
        return self.probs.clamp_min(torch.finfo(self.probs.dtype).tiny).log()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        components = Normal(self.loc, self.scale, validate_args=False)
        return (self.logits + components.log_prob(value.unsqueeze(-1))).logsumexp(-1)

    def cdf(self, value: Tensor) -> Tensor:
        return self._masses(value)[0]

    def _masses(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """The mass below a value and the mass above it."""
        z = (value.unsqueeze(-1) - self.loc) / self.scale
        # torch's ndtr is one plus erf, which has no digits in the lower tail
        below, above = (self.probs * torch.erfc(each * _ROOT_HALF) / 2 for each in (-z, z))
        return below.sum(-1), above.sum(-1)

    def icdf(self, value: Tensor) -> Tensor:
        with torch.no_grad():
            of_components = self.loc + self.scale * torch.special.ndtri(value).unsqueeze(-1)
            low, high = of_components.amin(-1), of_components.amax(-1)
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                below, above = self._masses(middle)
                is_beyond = torch.where(below < 0.5, below > value, above < 1 - value)
                low, high = torch.where(is_beyond, low, middle), torch.where(is_beyond, middle, high)
            middle = (low + high) / 2
        return self._moving(middle, value)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            shape = self.shape(sample_shape)
            share = open_unit_interval(shape, self.loc).unsqueeze(-1)
            chosen = (share >= self.probs.cumsum(-1)[..., :-1]).sum(-1, keepdim=True)
            loc, scale = (each.expand((*shape, -1)).gather(-1, chosen).squeeze(-1) for each in (self.loc, self.scale))
            value = loc + scale * torch.randn_like(loc)
        return self._moving(value)

    def _moving(self, value: Tensor, share: Tensor | None = None) -> Tensor:
        """A value with the derivative of the quantile, by the parameters and by its share of the mass."""
        below, above = self._masses(value)
        mass = torch.where(below < 0.5, below, -above)  # the smaller tail has more digits
        missing = -mass if share is None else share - mass
        return value + (missing - missing.detach()) * (-self.log_prob(value)).exp().detach()

    @property
    def mean(self) -> Tensor:
        return (self.probs * self.loc).sum(-1)

    @property
    def variance(self) -> Tensor:
        apart = self.loc - self.mean.unsqueeze(-1)
        return (self.probs * (self.scale.square() + apart.square())).sum(-1)
