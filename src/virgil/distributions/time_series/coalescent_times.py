"""Kingman's coalescent at a constant rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.constraints import CoalescentTimesConstraint
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.coalescent import coalescent_draws, coalescent_events
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["CoalescentTimes"]


class CoalescentTimes(TorchDistributionMixin):
    r"""Times of coalescences of lineages that begin at given leaves, at a constant rate for each pair *(Kingman 1982)*.

    Time runs forward. From the latest leaf backward, each pair of the lineages that are there merges at the rate
    :math:`\lambda`; with :math:`k(t)` lineages at time t, and :math:`k_i` before those at :math:`c_i` merge,

    .. math:: \log p(c) = \sum_i \log\Big(\lambda \tbinom{k_i}{2}\Big) - \lambda \int \tbinom{k(t)}{2}\, dt

    The times are in increasing order, one less than leaves. A draw is where the integrated rate reaches an exponential
    draw, so it has a pathwise derivative for the rate and for the leaves. Shape: event ``(leaves - 1,)``.

    Args:
        leaf_times: when the leaves were sampled, in any order; at least two. Shape: ``(*batch, leaves)``.
        rate: > 0. Shape: ``(*batch,)``.

    Raises:
        ShapeError: there are fewer than two leaves.

    >>> import torch
    >>> fn = CoalescentTimes(torch.tensor([0.0, 1.0, 1.5]), rate=2.0)
    >>> fn.log_prob(torch.tensor([-0.5, 0.25]))  # log(2 * 2) - 2 * (0.75 + 0.5)
    tensor(-1.1137)
    """

    arg_constraints = {"leaf_times": constraints.real_vector, "rate": constraints.positive}
    has_rsample = True

    def __init__(self, leaf_times: Tensor, rate: Tensor | float = 1.0, *, validate_args: bool | None = None) -> None:
        if leaf_times.dim() < 1 or leaf_times.shape[-1] < 2:
            raise ShapeError(
                f"CoalescentTimes got leaf_times of shape {tuple(leaf_times.shape)}; it takes (*batch, leaves) with at "
                "least two leaves."
            )
        rate = torch.as_tensor(rate, dtype=leaf_times.dtype, device=leaf_times.device)
        batch = broadcast_shapes(leaf_times.shape[:-1], rate.shape)
        self.leaf_times, self.rate = leaf_times.expand(*batch, leaf_times.shape[-1]), rate.expand(batch)
        super().__init__(Size(batch), Size([leaf_times.shape[-1] - 1]), validate_args=validate_args)

    @classmethod
    def infer_shapes(cls, leaf_times: Sizes, rate: Sizes = ()) -> tuple[Size, Size]:  # type: ignore[override]
        """The batch shape and the event shape, from the shapes of the arguments."""
        shape = Size(leaf_times)
        return Size(broadcast_shapes(shape[:-1], Size(rate))), Size([shape[-1] - 1])

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        """The times that the leaves allow."""
        return CoalescentTimesConstraint(self.leaf_times)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> CoalescentTimes:
        """The same distribution over a larger batch."""
        new = self._get_checked_instance(CoalescentTimes, _instance)
        shape = Size(batch_shape)
        new.leaf_times = self.leaf_times.expand(shape + self.leaf_times.shape[-1:])
        new.rate = self.rate.expand(shape)
        super(CoalescentTimes, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)

        def times(leaf_times: Tensor, rate: Tensor) -> Tensor:
            hazards = torch.empty(shape, dtype=rate.dtype, device=rate.device).exponential_()
            return coalescent_draws(leaf_times.expand(*shape[:-1], leaf_times.shape[-1]), hazards / rate.unsqueeze(-1))

        return in_double(times, self.leaf_times, self.rate)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.leaf_times, self.rate)


def _log_prob(value: Tensor, leaf_times: Tensor, rate: Tensor) -> Tensor:
    times, weights, log_pairs = coalescent_events(leaf_times, value)
    start = leaf_times.detach().amax(-1, keepdim=True)  # times may be years, and differ by days
    exposure = ((times - start) * weights).sum(-1)
    return log_pairs.sum(-1) + value.shape[-1] * rate.log() - exposure * rate
