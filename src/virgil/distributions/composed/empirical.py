"""The distribution of weighted samples."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["Empirical"]


class Empirical(TorchDistributionMixin):
    """One of the given samples, each with a probability proportional to its weight.

    Ties count together: ``log_prob`` of a value is the log of the summed weights of all samples equal to it.

    Args:
        samples: Shape: ``(*batch, samples, *event)``.
        log_weights: logarithms of the weights, which need not be normalised. Shape: ``(*batch, samples)``.

    Raises:
        ShapeError: the shape of ``log_weights`` is not the left part of that of ``samples``; or a value that is scored
            does not have the shape of a sample.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, samples: Tensor, log_weights: Tensor, validate_args: bool | None = None) -> None:
        weights_dim = log_weights.dim()
        if weights_dim == 0 or log_weights.shape != samples.shape[:weights_dim]:
            raise ShapeError(
                f"Empirical got log_weights of shape {tuple(log_weights.shape)} and samples of shape "
                f"{tuple(samples.shape)}; the weights' shape, (*batch, samples), must be the left part of the "
                "samples', (*batch, samples, *event)."
            )
        self._samples = samples
        self._log_weights = torch.log_softmax(log_weights, -1)
        super().__init__(log_weights.shape[:-1], samples.shape[weights_dim:], validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(Empirical, _instance)
        shape = Size(batch_shape)
        count = self._log_weights.shape[-1:]
        new._samples = self._samples.expand(shape + count + self._event_shape)
        new._log_weights = self._log_weights.expand(shape + count)
        super(Empirical, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        """True where no two samples of one batch entry are equal; a sum over samples with ties counts them twice."""
        count = self._log_weights.numel()
        if count == 0:
            return False
        rows = self._samples.reshape(count, -1)
        entry = torch.arange(count, device=rows.device) // self.sample_size
        distinct = torch.unique(torch.cat([entry.unsqueeze(-1).to(rows.dtype), rows], -1), dim=0)
        return len(distinct) == count

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        event_dim = len(self._event_shape)
        return constraints.independent(constraints.real, event_dim) if event_dim else constraints.real

    @property
    def sample_size(self) -> int:
        """Number of samples of one batch entry."""
        return self._log_weights.shape[-1]

    @property
    def log_weights(self) -> Tensor:
        """Logarithms of the weights, normalised. Shape: ``(*batch, samples)``."""
        return self._log_weights

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        draws = Size(sample_shape).numel()
        weights = self._log_weights.detach().exp().reshape(-1, self.sample_size)
        index = torch.multinomial(weights, draws, replacement=True)  # Shape: (batch, draws)
        rows = self._samples.detach().reshape(weights.shape + self._event_shape)
        entry = torch.arange(rows.shape[0], device=rows.device)
        return rows[entry, index.T].reshape(shape)

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_shape(value)
        if self._validate_args:
            self._validate_sample(value)
        equal = value.unsqueeze(-1 - len(self._event_shape)) == self._samples
        for _ in self._event_shape:
            equal = equal.all(-1)
        return torch.where(equal, self._log_weights, -torch.inf).logsumexp(-1)

    def _check_shape(self, value: Tensor) -> None:
        batch_dim = value.dim() - len(self._event_shape)
        try:
            fits = value.shape[max(batch_dim, 0) :] == self._event_shape
            broadcast_shapes(self._batch_shape, value.shape[: max(batch_dim, 0)])
        except RuntimeError:
            fits = False
        if not fits:
            raise ShapeError(
                f"Empirical got a value of shape {tuple(value.shape)}; its batch_shape is {tuple(self._batch_shape)} "
                f"and its event_shape {tuple(self._event_shape)}. A value has the event's shape on the right, and "
                "left of it what broadcasts with the batch."
            )

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All samples, as they are. Shape: (samples, *batch, *event)."""
        return self._samples.movedim(len(self._batch_shape), 0)

    def _average(self, values: Tensor) -> Tensor:
        weights = self._log_weights.exp()
        weights = weights.reshape(weights.shape + (1,) * len(self._event_shape))
        return (weights * values).sum(len(self._batch_shape))

    @property
    def mean(self) -> Tensor:
        return self._average(self._samples)

    @property
    def variance(self) -> Tensor:
        return self._average((self._samples - self.mean.unsqueeze(len(self._batch_shape))) ** 2)
