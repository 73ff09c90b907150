"""The tensors inside a distribution: which of them are learnt, and the same distribution with others."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch import distributions as td
from torch.distributions.constraints import Constraint
from torch.distributions.transforms import Transform

__all__ = ["learnt_tensor", "with_tensors"]

_PARTS = (td.Distribution, Transform, Constraint)


def with_tensors(part: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A distribution like ``part`` whose tensors are what ``change`` makes of them; ``part`` itself if none changes."""
    if isinstance(part, Tensor):
        return change(part)
    if isinstance(part, list | tuple):
        changed: Any = [with_tensors(each, change) for each in part]
        return part if all(map(_is, part, changed)) else type(part)(changed)
    if not isinstance(part, _PARTS):
        return part
    attributes = {name: with_tensors(each, change) for name, each in vars(part).items()}
    if all(map(_is, vars(part).values(), attributes.values())):
        return part
    new = copy.copy(part)
    new.__dict__.update(attributes)
    return new


def learnt_tensor(part: Any) -> Tensor | None:
    """A tensor inside a distribution that requires a gradient; ``None`` if there is none."""
    return next((each for each in _tensors(part) if each.requires_grad), None)


def _tensors(part: Any) -> Iterator[Tensor]:
    if isinstance(part, Tensor):
        yield part
    elif isinstance(part, nn.Module):
        yield from part.parameters()
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _tensors(each)
    elif isinstance(part, _PARTS):
        yield from _tensors(list(vars(part).values()))


def _is(left: object, right: object) -> bool:
    return left is right
