"""Adam with clipped gradients and a decaying learning rate, as a torch optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from virgil.ops.foreach import foreach
from virgil.optim.leaf_by_leaf import value_of
from virgil.optim.values import check_rates, check_value

__all__ = ["ClippedAdam"]


class ClippedAdam(torch.optim.Optimizer):
    r"""Adam *(Kingma and Ba 2015, algorithm 1)* on clipped gradients, with a decaying learning rate.

    With gradient g at step t = 1, 2, ... of a parameter θ, everything elementwise:

        g ← min(max(g, -clip_norm), clip_norm) + weight_decay · θ
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        θ ← θ - lr · lrdᵗ · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + eps)

    With a centred variance (g - m)² takes the place of g² *(Zhuang et al. 2020, AdaBelief, algorithm 2)*.

    Args:
        params: leaf tensors, or groups of them.
        lr: the learning rate.
        betas: β₁ and β₂.
        eps: keeps the denominator from zero.
        weight_decay: the factor of an L2 penalty.
        clip_norm: the largest absolute value of a gradient's element.
        lrd: the factor by which the learning rate decays at every step.
        centered_variance: whether v averages squared deviations from m.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float = 10.0,
        lrd: float = 1.0,
        centered_variance: bool = False,
    ) -> None:
        check_rates(lr, betas, eps, clip_norm, lrd)
        check_value("weight_decay", weight_decay, weight_decay >= 0, "a number that is not negative")
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(
            params, {**options, "clip_norm": clip_norm, "lrd": lrd, "centered_variance": centered_variance}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the present gradients. ``closure`` is called first; its value is returned."""
        loss = value_of(closure)
        for group in self.param_groups:
            members = [each for each in group["params"] if each.grad is not None]
            states = [self._state_of(each) for each in members]
            if members:
                foreach("add_", [state["step"] for state in states], 1)
            for (_, _, at), batch in _alike(members, states).items():
                _step(group, *batch, at)
        return loss

    def _state_of(self, leaf: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[leaf]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=leaf.device)
            state["exp_avg"] = torch.zeros_like(leaf, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(leaf, memory_format=torch.preserve_format)
        return state


Batch = tuple[list[Tensor], list[dict[str, Any]]]


def _alike(members: list[Tensor], states: list[dict[str, Any]]) -> dict[Any, Batch]:
    """Leaves and their states in groups of one device, dtype and step, for kernels over lists of tensors."""
    batches: dict[Any, Batch] = {}
    for leaf, state in zip(members, states, strict=True):
        batch = batches.setdefault((leaf.device, leaf.dtype, _number(state["step"])), ([], []))
        batch[0].append(leaf)
        batch[1].append(state)
    return batches


def _number(step: Tensor) -> float | None:
    """The number of the step, if reading it costs nothing: on the CPU, and not while a graph is captured."""
    if step.device.type != "cpu" or type(step) is not Tensor or torch.compiler.is_compiling():
        return None
    return step.item()


def _step(group: dict[str, Any], members: list[Tensor], states: list[dict[str, Any]], at: float | None) -> None:
    """Step leaves of one group. ``at`` is the number of their step; ``None`` if it stays in tensors."""
    means = [state["exp_avg"] for state in states]
    squares = [state["exp_avg_sq"] for state in states]
    # Copies: what is recorded of a gradient should be the gradient.
    grads = list(foreach("clamp_min", [each.grad for each in members if each.grad is not None], -group["clip_norm"]))
    foreach("clamp_max_", grads, group["clip_norm"])
    steps = [state["step"] for state in states]
    if at is None or group["centered_variance"] or not hasattr(torch, "_fused_adam_"):
        _step_by_tensors(group, members, grads, means, squares, steps)
        return
    beta1, beta2 = group["betas"]
    torch._fused_adam_(
        members, grads, means, squares, [], steps,
        lr=group["lr"] * group["lrd"] ** at, beta1=beta1, beta2=beta2, weight_decay=group["weight_decay"],
        eps=group["eps"], amsgrad=False, maximize=False, grad_scale=None, found_inf=None,
    )  # fmt: skip


def _step_by_tensors(
    group: dict[str, Any],
    members: list[Tensor],
    grads: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
) -> None:
    """The same step with counts that stay tensors, so that a GPU does not wait and the step can be captured."""
    beta1, beta2 = group["betas"]
    if group["weight_decay"]:
        foreach("add_", grads, members, alpha=group["weight_decay"])
    foreach("lerp_", means, grads, 1 - beta1)
    foreach("mul_", squares, beta2)
    varied = foreach("sub", grads, means) if group["centered_variance"] else grads
    foreach("addcmul_", squares, varied, varied, value=1 - beta2)
    # Double precision, as a Python number has: β₂ᵗ is close to one, and 1 - β₂ᵗ loses three digits.
    exact = [step.double() for step in steps]
    rates = [group["lr"] * group["lrd"] ** step / (1 - beta1**step) for step in exact]
    corrections = [(1 - beta2**step).sqrt() for step in exact]
    denominators = foreach("sqrt", squares)
    foreach("div_", denominators, [each.to(members[0].dtype) for each in corrections])
    foreach("add_", denominators, group["eps"])
    updates = foreach("div", means, denominators)
    foreach("mul_", updates, [each.to(members[0].dtype) for each in rates])
    foreach("sub_", members, updates)
