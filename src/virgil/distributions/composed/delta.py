"""A point mass."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.sizes import Sizes

__all__ = ["Delta"]


class Delta(TorchDistributionMixin):
    """All mass on one value.

    Args:
        v: the value. Shape: ``(*batch, *event)``.
        log_density: the log-probability at ``v``, nats; not 0 where the point carries the density of another
            distribution, for instance behind a transform. Shape: broadcasts with the batch.
        event_dim: how many rightmost dims of ``v`` are one event.

    Raises:
        ShapeError: ``v`` has fewer than ``event_dim`` dims.
    """

    arg_constraints = {"v": constraints.dependent, "log_density": constraints.real}
    has_rsample = True

    def __init__(
        self,
        v: Tensor | float,
        log_density: Tensor | float = 0.0,
        event_dim: int = 0,
        validate_args: bool | None = None,
    ) -> None:
        v = v if isinstance(v, Tensor) else torch.as_tensor(v, dtype=torch.get_default_dtype())
        batch_dim = v.dim() - event_dim
        if event_dim < 0 or batch_dim < 0:
            raise ShapeError(
                f"Delta got event_dim={event_dim} and a value v of shape {tuple(v.shape)}; event_dim must lie "
                f"between 0 and {v.dim()}."
            )
        batch_shape = v.shape[:batch_dim]
        if isinstance(log_density, Tensor):
            if log_density.shape != batch_shape:
                log_density = log_density.expand(batch_shape)
        else:
            dtype = v.dtype if v.is_floating_point() else torch.get_default_dtype()
            log_density = torch.full(batch_shape, log_density, dtype=dtype, device=v.device)
        self.v = v
        self.log_density = log_density
        super().__init__(batch_shape, v.shape[batch_dim:], validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Delta, _instance)
        batch_shape = Size(batch_shape)
        new.v = self.v.expand(batch_shape + self._event_shape)
        new.log_density = self.log_density.expand(batch_shape)
        super(Delta, new).__init__(batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> constraints.Constraint:
        # any real is scored, most with -inf, so that a mismatch is a log-probability and not an error
        event_dim = len(self._event_shape)
        return constraints.independent(constraints.real, event_dim) if event_dim else constraints.real

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.rsample(sample_shape).detach()

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        return self.v.expand(Size(sample_shape) + self.v.shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        equal = value == self.v
        for _ in self._event_shape:
            equal = equal.all(-1)
        return torch.where(equal, self.log_density, -torch.inf)

    @property
    def mean(self) -> Tensor:
        return self.v

    @property
    def mode(self) -> Tensor:
        return self.v

    @property
    def variance(self) -> Tensor:
        return torch.zeros_like(self.v)
