"""The sizes with which networks are made, and the shapes with which they are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from virgil.errors import ArgumentError, ShapeError, shown
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["check_sizes", "checked_input", "with_context"]


class _Network(Protocol):
    input_dim: int
    context_dim: int


def check_sizes(
    network: object, input_dim: int, context_dim: int, hidden_dims: Sequence[int], param_dims: Sequence[int]
) -> None:
    """Look at what a network is made with.

    Raises:
        ArgumentError: a size that is no positive integer (a context may have none), or no parameter at all.
    """
    name = type(network).__name__
    for argument, size, least in (("input_dim", input_dim, 1), ("context_dim", context_dim, 0)):
        if not _is_size(size, least):
            raise ArgumentError(f"{name} got {argument}={shown(size)}; it takes an integer of at least {least}.")
    for argument, sizes in (("hidden_dims", hidden_dims), ("param_dims", param_dims)):
        if not isinstance(sizes, Sequence) or not all(_is_size(size, 1) for size in sizes):
            raise ArgumentError(f"{name} got {argument}={shown(sizes)}; it takes a list of positive integers.")
    if not param_dims:
        raise ArgumentError(f"{name} got param_dims=[]; give the size of at least one parameter.")


def _is_size(size: object, least: int) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and size >= least


def checked_input(network: _Network, x: Tensor) -> Tensor:
    """The input itself.

    Raises:
        ShapeError: its last dim has another size than the network was made for.
    """
    if x.dim() == 0 or x.shape[-1] != network.input_dim:
        raise ShapeError(
            f"{type(network).__name__} got an input of shape {tuple(x.shape)}; its last dim must be "
            f"input_dim={network.input_dim}."
        )
    return x


def with_context(network: _Network, x: Tensor, context: Tensor) -> Tensor:
    """Context and input side by side, the context widened to the input's batch.

    Raises:
        ShapeError: one of them has another size than the network was made for, or they do not broadcast.
    """
    expected = (*checked_input(network, x).shape[:-1], network.context_dim)
    try:
        fits = (
            context.dim() > 0
            and context.shape[-1] == network.context_dim
            and broadcast_shapes(context.shape, expected) == expected
        )
    except RuntimeError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{type(network).__name__} got a context of shape {tuple(context.shape)} beside an input of shape "
            f"{tuple(x.shape)}; the context must broadcast to {expected}."
        )
    return torch.cat([context.expand(expected), x], -1)
