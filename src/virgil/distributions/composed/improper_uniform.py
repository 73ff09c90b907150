"""The flat prior, with density 1 on a whole set."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["ImproperUniform"]


class _NotSampledError(ArgumentError, NotImplementedError):
    """Also a NotImplementedError, which torch raises where a family has no sampler."""


class ImproperUniform(TorchDistributionMixin):
    """A flat prior: log-probability 0 everywhere in its support. It can be scored but not sampled.

    Args:
        support: the set of values.
        batch_shape: shape of independent values.
        event_shape: shape of one value; at least ``support.event_dim`` dims.

    Raises:
        ShapeError: ``event_shape`` has fewer dims than the support.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(
        self,
        support: constraints.Constraint,
        batch_shape: Sizes,
        event_shape: Sizes,
        validate_args: bool | None = None,
    ) -> None:
        if len(event_shape) < support.event_dim:
            raise ShapeError(
                f"ImproperUniform got event_shape {tuple(event_shape)}, but one value of its support {support!r} has "
                f"{support.event_dim} dims. Give an event_shape with at least that many."
            )
        event_dim = len(event_shape) - support.event_dim
        self._support = constraints.independent(support, event_dim) if event_dim else support
        super().__init__(Size(batch_shape), Size(event_shape), validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ImproperUniform, _instance)
        new._support = self._support
        super(ImproperUniform, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        return self._support

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        shape = broadcast_shapes(self._batch_shape, value.shape[: value.dim() - len(self._event_shape)])
        dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
        return torch.zeros(shape, dtype=dtype, device=value.device)

    def sample(self, sample_shape: Sizes = Size()) -> NoReturn:
        raise _NotSampledError(
            f"ImproperUniform over {self._support!r} is no probability distribution and cannot be sampled. Give the "
            "site a value (obs=, condition, a guide that has the site), or take a proper prior."
        )
