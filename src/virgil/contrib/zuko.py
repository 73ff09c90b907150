"""``ZukoToPyro``: a distribution of the package zuko, such as a normalising flow, at a ``sample`` statement."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions import TorchDistribution
from virgil.errors import ArgumentError, shown
from virgil.ops.sizes import Sizes

__all__ = ["ZukoToPyro"]


class ZukoToPyro(TorchDistribution):
    """Any ``torch.distributions`` object as one of Virgil's, with plates, ``to_event`` and ``mask``.

    A flow of zuko knows the density of a draw when it makes it (``rsample_and_log_prob``), where to compute it
    afterwards means to invert the flow. So the last draw's density is kept, and ``log_prob`` of this very tensor
    returns it. The networks of a flow are a module: state ``virgil.module("flow", flow)`` where its parameters are to
    be fitted.

    Args:
        dist: the distribution, as ``flow()`` or ``flow(context)`` returns it.

    Attributes:
        dist: the distribution.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, dist: td.Distribution) -> None:
        if not isinstance(dist, td.Distribution):
            called = " Call the flow: ZukoToPyro(flow())." if callable(dist) else ""
            raise ArgumentError(f"ZukoToPyro() got {shown(dist)}; it takes a distribution.{called}")
        self.dist = dist
        self._drawn: Any = None  # the last draw, and its log-density
        super().__init__(dist.batch_shape, dist.event_shape, validate_args=False)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.dist.has_rsample

    @constraints.dependent_property
    def support(self) -> Any:
        try:
            return self.dist.support
        except NotImplementedError:  # a flow does not say; it maps onto all vectors
            return constraints.independent(constraints.real, len(self._event_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        draw = getattr(self.dist, "rsample_and_log_prob", None)
        if draw is None:
            drawn: Tensor = self.dist.rsample(sample_shape)
            return drawn
        self._drawn = draw(sample_shape)
        value: Tensor = self._drawn[0]
        return value

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            value: Tensor = self.dist.sample(sample_shape)
        return value

    def log_prob(self, x: Tensor) -> Tensor:
        if self._drawn is not None and x is self._drawn[0]:
            kept: Tensor = self._drawn[1]
            return kept
        log_prob: Tensor = self.dist.log_prob(x)
        return log_prob
