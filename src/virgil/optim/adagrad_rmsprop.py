"""The step sizes of ADVI, between Adagrad and RMSProp, as a torch optimiser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from virgil.optim.leaf_by_leaf import LeafByLeaf
from virgil.optim.values import check_value

__all__ = ["AdagradRMSProp"]


class AdagradRMSProp(LeafByLeaf):
    r"""The adaptive step sizes of ADVI *(Kucukelbir et al. 2017, equations 10 and 11)*.

    With gradient g at step i = 1, 2, ... of a parameter θ, everything elementwise, and s = g² at the first step:

        s ← t g² + (1 - t) s
        θ ← θ - eta · i^(-1/2 + delta) · g / (1 + √s)

    In the optimiser's groups ``eta`` is called ``lr``, so that schedulers find it.

    Args:
        params: leaf tensors, or groups of them.
        eta: the scale of the steps.
        delta: how much slower than by the root of their number the steps become smaller.
        t: the weight of the newest squared gradient.
    """

    def __init__(self, params: ParamsT, eta: float = 1.0, delta: float = 1e-16, t: float = 0.1) -> None:
        check_value("eta", eta, eta >= 0, "a number that is not negative")
        check_value("delta", delta, 0 <= delta <= 0.5, "a number in [0, 1/2]")
        check_value("t", t, 0 < t <= 1, "a number in (0, 1]")
        super().__init__(params, {"lr": eta, "delta": delta, "t": t})

    def share_memory(self) -> None:
        """Move all that the optimiser remembers to memory that processes share."""
        for group in self.param_groups:
            for leaf in group["params"]:
                for each in self._state_of(leaf).values():
                    each.share_memory_()

    def _step(self, leaf: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self._state_of(leaf)
        step, total = state["step"], state["sum"]
        # tensors, not numbers: a GPU does not wait, and the step can be captured
        weight = torch.where(step == 0, 1.0, group["t"]).to(leaf.dtype)
        total.lerp_(grad * grad, weight)
        step.add_(1)
        rate = (group["lr"] * step.double() ** (group["delta"] - 0.5)).to(leaf.dtype)
        leaf.sub_(rate * grad / (1 + total.sqrt()))

    def _state_of(self, leaf: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[leaf]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=leaf.device)
            state["sum"] = torch.zeros_like(leaf, memory_format=torch.preserve_format)
        return state
