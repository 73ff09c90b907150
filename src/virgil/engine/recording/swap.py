"""Put other tensors in the place of given ones, whoever holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from virgil.ops.nested_tensors import mapped

__all__ = ["Swapped"]


class Swapped(TorchFunctionMode):
    """Inside a ``with`` block, every torch function that is given one of some tensors gets its substitute instead.

    So a network's weights and buffers become inputs of a graph without the network's knowledge.

    >>> import torch
    >>> layer, other = torch.nn.Linear(1, 1, bias=False), torch.full((1, 1), 3.0)
    >>> with Swapped([(layer.weight, other)]):
    ...     layer(torch.ones(1)).item()
    3.0
    """

    def __init__(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
        self._pairs = {id(old): (old, new) for old, new in pairs}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function on the substitutes."""
        return func(*mapped(self._new, args), **mapped(self._new, kwargs or {}))

    def _new(self, each: Tensor) -> Tensor:
        found = self._pairs.get(id(each))
        return each if found is None else found[1]
