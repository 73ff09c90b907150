"""Paths of a chain of normal variables, as one distribution."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import constraints

import virgil.distributions as dist
from virgil.ops.sizes import Sizes

__all__ = ["Path", "Step"]

Step = Callable[[Tensor, int | slice], dist.Normal]


class Path(dist.TorchDistribution):
    r"""The values of a chain whose next value is normal, given the one before.

    .. math:: \log p(z) = \sum_{t\,:\,\text{played}} \log \mathrm{Normal}(z_t \mid \text{step}(z_{t-1}, t))

    A draw goes from value to value. The density does not: where a path is known, all its steps are known, so that
    ``log_prob`` calls ``step`` once for all of them.

    Args:
        step: the distribution of the next value, given the one before and its place: a number, or the slice of all.
        first: the value before the first one. Shape: ``(dim,)``.
        played: which steps count. Shape: ``(*batch, steps)``.
    """

    support = constraints.independent(constraints.real, 2)
    has_rsample = True

    def __init__(self, step: Step, first: Tensor, played: Tensor, validate_args: bool | None = None) -> None:
        self.step, self.first, self.played = step, first, played
        *batch, steps = played.shape
        super().__init__(torch.Size(batch), torch.Size([steps, *first.shape]), validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = ()) -> Tensor:
        """Paths. Shape: ``(*sample_shape, *batch, steps, dim)``."""
        noise = torch.randn(self._extended_shape(sample_shape), dtype=self.first.dtype, device=self.first.device)
        values = [self.first.expand(*noise.shape[:-2], -1)]
        for place, each in enumerate(noise.unbind(-2)):
            normal = self.step(values[-1], place)
            values.append(normal.loc + normal.scale * each)
        return torch.stack(values[1:], -2)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of the steps that count, nats. Shape: ``(*sample_shape, *batch)``."""
        first = self.first.expand_as(value[..., :1, :])
        before = torch.cat([first, value[..., :-1, :]], -2)
        steps = self.step(before, slice(None)).log_prob(value).sum(-1)
        return torch.where(self.played, steps, 0.0).sum(-1)
