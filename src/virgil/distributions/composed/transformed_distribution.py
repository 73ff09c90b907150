"""The image of a distribution under invertible maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.transforms import AffineTransform, ComposeTransform, IndependentTransform, Transform

from virgil.distributions.core.bounds import at_most
from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.transforms.cache import clear_cache

__all__ = ["TransformedDistribution"]


class TransformedDistribution(TorchDistributionMixin, td.TransformedDistribution):
    """The distribution of ``f(x)`` for x from ``base_distribution`` and an invertible map f.

    Its log-density at y is that of x less the log of ``|det df/dx|``. Its support is the last map's codomain, or where
    that is an ``AffineTransform`` of an interval or of numbers above a bound, its image. Shape: the transforms decide.

    Args:
        base_distribution: the distribution before the maps.
        transforms: one transform, or a list of them, applied first to last.
    """

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        image = _image(self.base_dist.support, list(_parts(self.transforms)))
        if image is None:
            return super().support
        event_dim = len(self.event_shape)
        return constraints.independent(image, event_dim) if event_dim else image

    def clear_cache(self) -> None:
        """Let the maps forget the last draw; what a step of an optimiser has moved gives other inverses."""
        for each in self.transforms:
            clear_cache(each)


def _parts(transforms: Iterable[Transform]) -> Iterator[Transform]:
    for each in transforms:
        if isinstance(each, ComposeTransform):
            yield from _parts(each.parts)
        elif isinstance(each, IndependentTransform):
            yield from _parts([each.base_transform])
        else:
            yield each


def _image(support: Any, parts: list[Transform]) -> Any:
    """The image of a set of numbers under maps of which the last are affine; ``None`` where it is not narrower."""
    affine: list[AffineTransform] = []  # last to first
    for each in reversed(parts):
        if not isinstance(each, AffineTransform):
            break
        affine.append(each)
    before = parts[: len(parts) - len(affine)]
    image = entry_constraint(before[-1].codomain if before else support)
    for each in reversed(affine):
        image = _moved(image, each.loc, each.scale)
    return image if affine else None


def _moved(image: Any, loc: Any, scale: Any) -> Any:
    """``loc + scale * x`` for the x of a set, and the ends, to which rounding may lead; ``None`` where not known."""
    if isinstance(image, constraints.interval | constraints.half_open_interval):
        ends = loc + scale * image.lower_bound, loc + scale * image.upper_bound
        if isinstance(scale, Tensor):  # its sign may vary
            return constraints.interval(torch.minimum(*ends), torch.maximum(*ends))
        return constraints.interval(*(ends if scale > 0 else ends[::-1]))
    half_line = isinstance(image, constraints.greater_than | constraints.greater_than_eq)
    if half_line and not isinstance(scale, Tensor) and scale != 0:
        end = loc + scale * image.lower_bound
        return constraints.greater_than_eq(end) if scale > 0 else at_most(end)
    return None
