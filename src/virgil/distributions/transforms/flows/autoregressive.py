"""Maps in which an entry's parameters come from the entries before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["AtContext", "Network", "default_hidden_dims", "inverse_in_order"]

Network = Callable[..., Any]


class AtContext:
    """An autoregressive network at one context.

    Args:
        network: a network of variables and a context.
        context: the context. Shape: ``(..., context_dim)``.
    """

    def __init__(self, network: Network, context: Tensor) -> None:
        self.network, self.context = network, context

    def __call__(self, x: Tensor) -> Any:
        return self.network(x, context=self.context)

    def get_permutation(self) -> Tensor:
        """The variables in their order. Shape: ``(input_dim,)``."""
        return _order(self.network)


def default_hidden_dims(input_dim: int, hidden_dims: list[int] | None) -> list[int]:
    """The sizes of the hidden layers, or those of a small network."""
    return [3 * input_dim + 1] if hidden_dims is None else hidden_dims


def inverse_in_order(solve: Callable[[Tensor], Tensor], y: Tensor, network: Network) -> Tensor:
    """The inverse image of ``y`` under an autoregressive map, one entry after the other.

    Args:
        solve: gives, for a vector whose first entries in the order are right, a vector whose next one is right as well.
        y: the image. Shape: ``(*batch, input_dim)``.
        network: the network, whose ``get_permutation`` gives the order.
    """
    places = torch.arange(y.shape[-1], device=y.device)
    x = torch.zeros_like(y)
    for place in _order(network).unbind():
        x = torch.where(places == place, solve(x), x)
    return x


def _order(network: Network) -> Tensor:
    if not hasattr(network, "get_permutation"):
        raise ArgumentError(
            f"The inverse of an autoregressive map needs the order of the variables; its network {shown(network)} has "
            "no method get_permutation(). Take virgil.nn.AutoRegressiveNN, or give yours this method."
        )
    order: Tensor = network.get_permutation()
    return order
