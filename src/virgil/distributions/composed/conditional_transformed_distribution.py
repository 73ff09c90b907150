"""The image of a distribution under maps that depend on a context."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import distributions as td
from torch.distributions.transforms import Transform

from virgil.distributions.composed.conditional_distribution import ConditionalDistribution
from virgil.distributions.composed.constant_conditional_distribution import ConstantConditionalDistribution
from virgil.distributions.composed.transformed_distribution import TransformedDistribution
from virgil.distributions.transforms.conditional import ConditionalTransform, ConstantConditionalTransform, conditional

__all__ = ["ConditionalTransformedDistribution"]


class ConditionalTransformedDistribution(ConditionalDistribution):
    """A distribution for each context: the image of ``base_dist`` under maps, some of which depend on the context.

    The context's batch must broadcast to that of the values; to draw one value a context, give the base the batch of
    the contexts.

    Args:
        base_dist: the distribution before the maps; it may be conditional too.
        transforms: a map, or a list of them, applied first to last; conditional ones and others.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions.transforms import conditional_affine_coupling
        >>> base = dist.Normal(torch.zeros(10, 2), 1.0).to_event(1)
        >>> conditional = dist.ConditionalTransformedDistribution(base, [conditional_affine_coupling(2, context_dim=3)])
        >>> conditional.condition(torch.ones(10, 3)).sample().shape
        torch.Size([10, 2])
    """

    def __init__(
        self,
        base_dist: td.Distribution | ConditionalDistribution,
        transforms: ConditionalTransform | Transform | Iterable[ConditionalTransform | Transform],
    ) -> None:
        if isinstance(transforms, ConditionalTransform | Transform):
            transforms = [transforms]
        self.transforms = conditional(transforms)
        self.base_dist = (
            base_dist if isinstance(base_dist, ConditionalDistribution) else ConstantConditionalDistribution(base_dist)
        )

    def condition(self, context: Any) -> TransformedDistribution:
        """The distribution at this context."""
        return TransformedDistribution(
            self.base_dist.condition(context), [each.condition(context) for each in self.transforms]
        )

    def clear_cache(self) -> None:
        """Let the maps that depend on no context forget the last draw; the others are new for each context."""
        for each in self.transforms:
            if isinstance(each, ConstantConditionalTransform):
                each.clear_cache()
