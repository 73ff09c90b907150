"""The base of matchings in which each destination is taken by the same number of sources."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import lazy_property

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.ops.assignments import (
    best_assignment,
    draw_assignments,
    enumerate_assignments,
    log_sum_of_assignments,
)
from virgil.ops.bethe_assignments import log_bethe_sum_of_assignments
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.log_partition import exponential_entropy
from virgil.ops.sizes import Sizes

__all__ = ["Matching", "MatchingConstraint"]


class MatchingConstraint(constraints.Constraint):
    """Vectors of destinations in which each of ``num_destins`` destinations comes ``capacity`` times.

    Args:
        num_destins: how many destinations there are.
        capacity: how many sources each takes.
    """

    is_discrete = True
    event_dim = 1

    def __init__(self, num_destins: int, capacity: int) -> None:
        self.num_destins, self.capacity = num_destins, capacity
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        if value.shape[-1] != self.num_destins * self.capacity:
            return torch.zeros(value.shape[:-1], dtype=torch.bool, device=value.device)
        every = torch.arange(self.num_destins, device=value.device).repeat_interleave(self.capacity)
        return (value.sort(-1).values == every).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_destins})"


class Matching(TorchDistributionMixin):
    """The abstract base: each source takes one destination, and each destination is taken by ``capacity`` sources."""

    arg_constraints = {"logits": constraints.independent(constraints.real, 2)}
    has_enumerate_support = True
    capacity: int

    def __init__(self, logits: Tensor, *, bp_iters: int | None = None, validate_args: bool | None = None) -> None:
        self._check_arguments(logits, bp_iters)
        self.logits, self.bp_iters = logits, bp_iters
        super().__init__(logits.shape[:-2], logits.shape[-2:-1], validate_args=validate_args)

    def _check_arguments(self, logits: Tensor, bp_iters: int | None) -> None:
        shape = tuple(logits.shape)
        if len(shape) < 2 or shape[-1] < 1 or shape[-2] != self.capacity * shape[-1]:
            sources = "N" if self.capacity == 1 else f"{self.capacity} * N"
            raise ShapeError(f"{type(self).__name__} got logits of shape {shape}; it takes (*batch, {sources}, N).")
        if bp_iters is not None and (not isinstance(bp_iters, int) or bp_iters < 1):
            raise ArgumentError(
                f"The bp_iters of {type(self).__name__} is {shown(bp_iters)}; it takes a number of iterations > 0, or "
                "None for the exact sum."
            )

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        """The batch shape and the event shape, from the shape of the logits."""
        shape = Size(arg_shapes["logits"])
        return shape[:-2], shape[-2:-1]

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Matching:
        """The same matchings over a larger batch. The log-partition function is computed once."""
        new = self._get_checked_instance(Matching, _instance)
        shape = Size(batch_shape)
        new.logits, new.bp_iters = self.logits.expand(shape + self.logits.shape[-2:]), self.bp_iters
        new.log_partition_function = self.log_partition_function.expand(shape)
        super(Matching, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _log_partition(self, logits: Tensor) -> Tensor:
        if self.bp_iters is None:
            return log_sum_of_assignments(logits, self.capacity)
        return log_bethe_sum_of_assignments(logits, self.capacity, self.bp_iters)

    @lazy_property
    def log_partition_function(self) -> Tensor:
        """The logarithm of the sum over all matchings of ``exp`` of their logits, nats. Shape: ``(*batch,)``."""
        return self._log_partition(self.logits)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        shape = broadcast_shapes(self._batch_shape, value.shape[:-1])
        logits = self.logits.expand(shape + self.logits.shape[-2:])
        index = value.long().expand(shape + self._event_shape).unsqueeze(-1)
        return logits.gather(-1, index).squeeze(-1).sum(-1) - self.log_partition_function

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Exact draws, also where the log-partition function is approximated.

        Raises:
            ArgumentError: there are too many destinations for exact draws.
        """
        with torch.no_grad():
            return draw_assignments(self.logits, self.capacity, Size(sample_shape))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All matchings. Shape: ``(matchings, *batch, sources)``, with ones for the batch if not ``expand``.

        Raises:
            ArgumentError: there are too many.
        """
        values = enumerate_assignments(self.logits.shape[-1], self.capacity).to(self.logits.device)
        values = values.reshape(-1, *(1 for _ in self._batch_shape), *self._event_shape)
        return values.expand(-1, *self._batch_shape, *self._event_shape) if expand else values

    def mode(self) -> Tensor:  # type: ignore[override]
        """A most probable matching. Shape: ``(*batch, sources)``.

        Raises:
            ArgumentError: SciPy is not installed, or logits of minus infinity forbid all matchings.
        """
        return best_assignment(self.logits, self.capacity)

    def entropy(self) -> Tensor:
        """Minus the expected log-probability, nats; with ``bp_iters`` its Bethe approximation."""
        return exponential_entropy(self._log_partition, self.logits, 2)
