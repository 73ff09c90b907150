"""Torch optimisers that step one leaf after another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["LeafByLeaf", "value_of"]


def value_of(closure: Callable[[], Any] | None) -> Any:
    """The value of an optimiser's closure, which computes gradients; ``None`` without one."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


class LeafByLeaf(torch.optim.Optimizer):
    """The base of an optimiser whose step is one of each leaf by itself."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the present gradients. ``closure`` is called first; its value is returned."""
        loss = value_of(closure)
        for group in self.param_groups:
            for leaf in group["params"]:
                if leaf.grad is not None:
                    self._step(leaf, leaf.grad, group)
        return loss

    @abstractmethod
    def _step(self, leaf: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Step one leaf of a group."""
