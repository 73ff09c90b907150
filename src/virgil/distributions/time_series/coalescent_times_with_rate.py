"""Kingman's coalescent at a rate that changes from one step of time to the next."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.constraints import CoalescentTimesConstraint
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.coalescent import (
    coalescent_draws,
    coalescent_events,
    inverse_of_integral,
    rate_at,
    rate_integral,
)
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["CoalescentTimesWithRate"]


class CoalescentTimesWithRate(TorchDistributionMixin):
    r"""Times of coalescences of lineages that begin at given leaves, at a rate that is constant in each step of time.

    The rate of each pair of lineages is :math:`\lambda_1` up to time 1, :math:`\lambda_2` from 1 to 2, and so on, and
    the last one from T - 1 on; a time on the bound of two steps belongs to the later. With :math:`k(t)` lineages at
    time t, and :math:`k_i` before those at :math:`c_i` merge *(Popinga, Vaughan, Stadler and Drummond 2015, equations 7
    and 8)*,

    .. math:: \log p(c) = \sum_i \log\Big(\lambda(c_i) \tbinom{k_i}{2}\Big) - \int \lambda(t) \tbinom{k(t)}{2}\, dt

    Time runs forward, and the times are in increasing order, one less than leaves. Draws are those of `CoalescentTimes`
    on a clock that runs at the rate, with pathwise derivatives. Shape: event ``(leaves - 1,)``.

    Args:
        leaf_times: when the leaves were sampled, in any order; at least two. Shape: ``(*batch, leaves)``.
        rate_grid: > 0. Shape: ``(*batch, steps)``.

    Raises:
        ShapeError: there are fewer than two leaves, or no steps.

    >>> import torch
    >>> fn = CoalescentTimesWithRate(torch.tensor([0.0, 1.0, 1.5]), torch.tensor([2.0, 4.0]))
    >>> fn.log_prob(torch.tensor([-0.5, 0.25]))  # log(2 * 2) - 2 * (0.75 + 0.5), as all is before time 1
    tensor(-1.1137)
    """

    arg_constraints = {
        "leaf_times": constraints.real_vector,
        "rate_grid": constraints.independent(constraints.positive, 1),
    }
    has_rsample = True

    def __init__(self, leaf_times: Tensor, rate_grid: Tensor, *, validate_args: bool | None = None) -> None:
        if min(leaf_times.dim(), rate_grid.dim()) < 1 or leaf_times.shape[-1] < 2 or rate_grid.shape[-1] < 1:
            raise ShapeError(
                f"CoalescentTimesWithRate got leaf_times of shape {tuple(leaf_times.shape)} and a rate_grid of shape "
                f"{tuple(rate_grid.shape)}; it takes (*batch, leaves) with at least two leaves, and (*batch, steps)."
            )
        batch = broadcast_shapes(leaf_times.shape[:-1], rate_grid.shape[:-1])
        self.leaf_times = leaf_times.expand(*batch, leaf_times.shape[-1])
        self.rate_grid = rate_grid.expand(*batch, rate_grid.shape[-1])
        super().__init__(Size(batch), Size([leaf_times.shape[-1] - 1]), validate_args=validate_args)

    @classmethod
    def infer_shapes(cls, leaf_times: Sizes, rate_grid: Sizes) -> tuple[Size, Size]:  # type: ignore[override]
        """The batch shape and the event shape, from the shapes of the arguments."""
        shape = Size(leaf_times)
        return Size(broadcast_shapes(shape[:-1], Size(rate_grid)[:-1])), Size([shape[-1] - 1])

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        """The times that the leaves allow."""
        return CoalescentTimesConstraint(self.leaf_times)

    @property
    def duration(self) -> int:
        """The number of steps of time."""
        return self.rate_grid.shape[-1]

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> CoalescentTimesWithRate:
        """The same distribution over a larger batch."""
        new = self._get_checked_instance(CoalescentTimesWithRate, _instance)
        shape = Size(batch_shape)
        new.leaf_times = self.leaf_times.expand(shape + self.leaf_times.shape[-1:])
        new.rate_grid = self.rate_grid.expand(shape + self.rate_grid.shape[-1:])
        super(CoalescentTimesWithRate, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)

        def times(leaf_times: Tensor, rate_grid: Tensor) -> Tensor:
            hazards = torch.empty(shape, dtype=rate_grid.dtype, device=rate_grid.device).exponential_()
            clock = rate_integral(rate_grid, leaf_times).expand(*shape[:-1], leaf_times.shape[-1])
            found = inverse_of_integral(rate_grid, coalescent_draws(clock, hazards))
            return torch.minimum(found, leaf_times.sort(-1).values[..., :-1])  # rounding may lead beyond a leaf

        return in_double(times, self.leaf_times, self.rate_grid)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.leaf_times, self.rate_grid)


def _log_prob(value: Tensor, leaf_times: Tensor, rate_grid: Tensor) -> Tensor:
    times, weights, log_pairs = coalescent_events(leaf_times, value)
    integral = rate_integral(rate_grid, times)
    log_rates = rate_at(rate_grid, value).log().sum(-1)
    return log_pairs.sum(-1) + log_rates - (weights * (integral - integral.detach().amax(-1, keepdim=True))).sum(-1)
