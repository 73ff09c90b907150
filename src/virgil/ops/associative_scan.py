"""Chains of steps that compose, in rounds whose number is the logarithm of the length.

A step is a tuple of tensors. Dim -3 of each is time, of the chain's length, or 1 where the tensor is the same in all
steps. What is the same in all steps of a chain is the same in all pairs of them, so it is composed once in a round.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from virgil.ops.broadcast import broadcast_shapes

__all__ = ["Compose", "Parts", "halves", "reverse", "trajectory"]

Parts = tuple[Tensor, ...]
Compose = Callable[[Parts, Parts], Parts]


def halves(steps: Parts, count: int) -> tuple[Parts, Parts, Parts | None]:
    """The first and the second step of each pair, and the last step if it has no partner."""
    if count % 2:
        last = tuple(each[..., -1:, :, :] for each in steps)
        steps = tuple(each[..., :-1, :, :] if each.shape[-3] > 1 else each for each in steps)
    pairs = [(each, each) if each.shape[-3] == 1 else each.unflatten(-3, (-1, 2)).unbind(-3) for each in steps]
    first, second = zip(*pairs, strict=True)
    return first, second, last if count % 2 else None


def trajectory(steps: Parts, count: int, compose: Compose, apply: Compose, start: Parts) -> Parts:
    """The states after each step.

    Args:
        steps: one or more.
        count: how many.
        compose: of a step and the one after it.
        apply: a step and the state before it, to the state after it.
        start: the state before the first step, with 1 in dim -3.

    Returns:
        A state whose dim -3 is ``count``.
    """
    if count == 1:
        return apply(steps, start)
    first, second, _ = halves(steps, count)
    after_pairs = trajectory(compose(first, second), count // 2, compose, apply, start)
    before = tuple(
        _joined(first, later[..., : (count - 1) // 2, :, :]) for first, later in zip(start, after_pairs, strict=True)
    )
    odd = apply(tuple(_every_second(each) for each in steps), before)
    return tuple(map(_interleaved, odd, after_pairs))


def reverse(steps: Parts) -> Parts:
    """The steps in the opposite order."""
    return tuple(each.flip(-3) if each.shape[-3] > 1 else each for each in steps)


def _every_second(part: Tensor) -> Tensor:
    """Every second step of a part, or the part itself where it is the same in all."""
    return part if part.shape[-3] == 1 else part[..., ::2, :, :]


def _joined(first: Tensor, later: Tensor) -> Tensor:
    batch = broadcast_shapes(first.shape[:-3], later.shape[:-3])
    return torch.cat([each.expand(*batch, *each.shape[-3:]) for each in (first, later)], -3)


def _interleaved(odd: Tensor, even: Tensor) -> Tensor:
    count = even.shape[-3]
    pairs = torch.stack([odd[..., :count, :, :], even], -3).flatten(-4, -3)
    return pairs if odd.shape[-3] == count else torch.cat([pairs, odd[..., count:, :, :]], -3)
