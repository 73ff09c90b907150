"""Normal observations in groups, whose means are integrated out."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.all_true import all_true
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["GroupedNormalNormal"]


class GroupedNormalNormal(TorchDistributionMixin):
    r"""Normal observations in groups, where the mean of each group is normal and integrated out.

    An observation is :math:`x_i \sim N(\theta_g, \sigma_i^2)`, and its group has :math:`\theta_g \sim N(m, s^2)`. The
    density takes a sum over observations and one over groups *(Murphy 2007, section 2)*: with the precisions
    :math:`p_i = \sigma_i^{-2}`, their sum P in a group and the mean :math:`\bar x` that they weigh, a group has
    :math:`-\frac12 \sum p_i (x_i - \bar x)^2 - \frac12 (\bar x - m)^2 P / (1 + s^2 P) - \frac12 \log(1 + s^2 P)` beside
    the normalisers of its observations. Shape: event ``(observations,)``.

    Args:
        prior_loc: m. Shape: ``(*batch, groups)``.
        prior_scale: s > 0. Shape: ``(*batch, groups)``.
        obs_scale: sigma > 0. Shape: ``(*batch, observations)``.
        group_idx: the group of each observation, from 0. Shape: ``(observations,)``.

    Raises:
        ShapeError: ``group_idx`` is no vector, or has another size than ``obs_scale``.
        ArgumentError: ``group_idx`` has a number that is no group's.

    >>> groups = torch.tensor([1, 0, 1])
    >>> fn = GroupedNormalNormal(torch.zeros(2), torch.ones(2), torch.ones(3), groups)
    >>> fn.get_posterior(torch.tensor([2.0, 1.0, 4.0])).loc
    tensor([0.5000, 2.0000])
    """

    arg_constraints = {
        "prior_loc": constraints.real_vector,
        "prior_scale": constraints.independent(constraints.positive, 1),
        "obs_scale": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        prior_loc: Tensor,
        prior_scale: Tensor,
        obs_scale: Tensor,
        group_idx: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if group_idx.dim() != 1 or obs_scale.shape[-1:] != group_idx.shape:
            raise ShapeError(
                f"GroupedNormalNormal got an obs_scale of shape {tuple(obs_scale.shape)} and a group_idx of shape "
                f"{tuple(group_idx.shape)}; it takes (*batch, observations) and (observations,)."
            )
        groups = broadcast_shapes(prior_loc.shape, prior_scale.shape)
        batch_shape = Size(broadcast_shapes(groups[:-1], obs_scale.shape[:-1]))
        self.prior_loc, self.prior_scale = (
            each.expand(batch_shape + Size(groups[-1:])) for each in (prior_loc, prior_scale)
        )
        self.obs_scale, self.group_idx = obs_scale.expand(batch_shape + group_idx.shape), group_idx
        super().__init__(batch_shape, group_idx.shape, validate_args=validate_args)
        if self._validate_args and not all_true((group_idx >= 0) & (group_idx < groups[-1])):
            raise ArgumentError(
                f"GroupedNormalNormal got a group_idx that is outside of 0 to {groups[-1] - 1}; prior_loc has "
                f"{groups[-1]} groups."
            )

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(GroupedNormalNormal, _instance)
        for name in self.arg_constraints:
            value = getattr(self, name)
            setattr(new, name, value.expand(Size(batch_shape) + value.shape[-1:]))
        new.group_idx = self.group_idx
        super(GroupedNormalNormal, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        def normal(like: Tensor) -> Tensor:
            shape = Size(sample_shape) + like.shape
            return torch.randn(shape, dtype=self.prior_loc.dtype, device=self.prior_loc.device)

        means = self.prior_loc + self.prior_scale * normal(self.prior_loc)
        return means[..., self.group_idx] + self.obs_scale * normal(self.obs_scale)

    def get_posterior(self, value: Tensor) -> Normal:
        """The distribution of the groups' means, given observations.

        Args:
            value: Shape: ``(*batch, observations)``.

        Returns:
            independent normals. Shape: batch ``(*batch, groups)``.
        """
        precision = self.obs_scale.reciprocal().square()
        total = self._by_group(precision)
        residuals = self._by_group(precision * (value - self.prior_loc[..., self.group_idx]))
        variance = self.prior_scale.square() / (1 + self.prior_scale.square() * total)
        loc = self.prior_loc + variance * residuals
        return Normal(loc, variance.sqrt().expand(loc.shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(self._log_prob, value, self.prior_loc, self.prior_scale, self.obs_scale)

    def _log_prob(self, value: Tensor, loc: Tensor, scale: Tensor, obs_scale: Tensor) -> Tensor:
        precision = obs_scale.reciprocal().square()
        total = self._by_group(precision)
        residual = value - loc[..., self.group_idx]
        # a group may be empty
        mean = self._by_group(precision * residual) / torch.where(total > 0, total, 1.0)
        within = (precision * (residual - mean[..., self.group_idx]).square()).sum(-1)
        growth = scale.square() * total
        between = (mean.square() * total / (1 + growth)).sum(-1)
        log_scale = obs_scale.log().sum(-1) + torch.log1p(growth).sum(-1) / 2
        return -(within + between) / 2 - log_scale - self._event_shape[0] * math.log(2 * math.pi) / 2

    def _by_group(self, values: Tensor) -> Tensor:
        """Sums over the observations of each group. Shape: ``(..., observations)`` to ``(..., groups)``."""
        sums = torch.zeros(values.shape[:-1] + self.prior_loc.shape[-1:], dtype=values.dtype, device=values.device)
        return sums.index_add(-1, self.group_idx, values)

    @property
    def mean(self) -> Tensor:
        return self.prior_loc[..., self.group_idx]

    @property
    def variance(self) -> Tensor:
        return self.prior_scale.square()[..., self.group_idx] + self.obs_scale.square()
