"""Maps that depend on a context."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn
from torch.distributions.transforms import Transform

from virgil.distributions.transforms.cache import clear_cache
from virgil.distributions.transforms.compose_transform_module import ComposeTransformModule

__all__ = [
    "ConditionalComposeTransformModule",
    "ConditionalTransform",
    "ConditionalTransformModule",
    "ConstantConditionalTransform",
]


class ConditionalTransform(ABC):
    """A family of maps, one for each context."""

    @abstractmethod
    def condition(self, context: Any) -> Transform:
        """The map at this context.

        Args:
            context: mostly a tensor whose batch broadcasts with that of the values. Shape: ``(..., context_dim)``.
        """


class ConstantConditionalTransform(ConditionalTransform):
    """One map at every context.

    Args:
        transform: the map.
    """

    def __init__(self, transform: Transform) -> None:
        self.transform = transform

    def condition(self, context: Any) -> Transform:
        """The map itself."""
        return self.transform

    def clear_cache(self) -> None:
        """Forget the map's last value and its image."""
        clear_cache(self.transform)


class ConditionalTransformModule(ConditionalTransform, nn.Module):
    """The base of a family of maps that is a module as well; mostly it has a network from contexts to parameters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return nn.Module.__hash__(self)

    @property
    def inv(self) -> ConditionalTransformModule:
        """The inverse maps, of the same parameters."""
        return _ConditionalInverse(self)


class _ConditionalInverse(ConditionalTransformModule):
    def __init__(self, transform: ConditionalTransformModule) -> None:
        super().__init__()
        self._transform = transform

    @property
    def inv(self) -> ConditionalTransformModule:
        return self._transform

    def condition(self, context: Any) -> Transform:
        return self._transform.condition(context).inv


class ConditionalComposeTransformModule(ConditionalTransformModule, nn.ModuleList):
    """Maps applied first to last, some of which depend on a context; those with parameters are registered as modules.

    Args:
        transforms: the maps, conditional ones and others.
        cache_size: 1 to keep the last value and its image in the composition at a context, 0 to keep none.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions import transforms
        >>> flow = transforms.ConditionalComposeTransformModule(
        ...     [transforms.conditional_spline(2, context_dim=3), transforms.affine_coupling(2)]
        ... )
        >>> base = dist.Normal(torch.zeros(2), 1.0).to_event(1)
        >>> conditional = dist.ConditionalTransformedDistribution(base, [flow])
        >>> conditional.condition(torch.ones(10, 3)).log_prob(torch.zeros(10, 2)).shape
        torch.Size([10])
    """

    def __init__(self, transforms: Iterable[ConditionalTransform | Transform], cache_size: int = 0) -> None:
        super().__init__()
        self.transforms = conditional(transforms)
        self.cache_size = cache_size
        for each in self.transforms:
            part = each.transform if isinstance(each, ConstantConditionalTransform) else each
            if isinstance(part, nn.Module):
                self.append(part)

    def condition(self, context: Tensor) -> ComposeTransformModule:
        """The composition at this context."""
        return ComposeTransformModule([each.condition(context) for each in self.transforms], self.cache_size)


def conditional(transforms: Iterable[ConditionalTransform | Transform]) -> list[ConditionalTransform]:
    """The maps, of which those that depend on no context are the same at each."""
    return [
        each if isinstance(each, ConditionalTransform) else ConstantConditionalTransform(each) for each in transforms
    ]
