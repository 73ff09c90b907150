"""Adam in time and in frequency at once, for parameters that are series, as a torch optimiser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from virgil.ops.cosine_transform import dct, idct
from virgil.optim.leaf_by_leaf import LeafByLeaf
from virgil.optim.values import check_rates

__all__ = ["DCTAdam"]


class DCTAdam(LeafByLeaf):
    r"""Adam with clipped gradients and a decaying rate, and for series a second one on the series' frequencies.

    A leaf with the attribute ``_pyro_dct_dim``, a negative number, is a series along this dim. Its step is the sum of
    :class:`ClippedAdam`'s step and of the same step among its frequencies: with the orthonormal discrete cosine
    transform D along the dim and the clipped gradient g,

        θ ← θ + adam(g) + Dᵀ adam(D g)

    Changes of the whole series and those of one moment are so both learnt at their own speed. Any other leaf is
    stepped as by ClippedAdam.

    Args:
        params: leaf tensors, or groups of them.
        lr: the learning rate.
        betas: the weights of the past in the averages of gradients and of squared gradients.
        eps: keeps the denominator from zero.
        clip_norm: the largest absolute value of a gradient's element.
        lrd: the factor by which the learning rate decays at every step.
        subsample_aware: whether an element whose gradient is zero, because it is not in the subsample, stays as it is
            with its averages, and counts only the steps in which it was.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        clip_norm: float = 10.0,
        lrd: float = 1.0,
        subsample_aware: bool = False,
    ) -> None:
        check_rates(lr, betas, eps, clip_norm, lrd)
        options = {"lr": lr, "betas": betas, "eps": eps, "clip_norm": clip_norm, "lrd": lrd}
        super().__init__(params, {**options, "subsample_aware": subsample_aware})

    def _step(self, leaf: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        dim = _time_dim(leaf, self.state[leaf])
        grad = grad.clamp(-group["clip_norm"], group["clip_norm"])
        is_in = grad != 0 if group["subsample_aware"] else None
        if dim is not None:  # the frequencies stand behind the times
            grad = torch.cat([grad, dct(grad, dim)], dim)
            is_in = None if is_in is None else torch.cat([is_in, torch.ones_like(is_in)], dim)
        change = _adam(self.state[leaf], grad, is_in, group)
        if dim is not None:
            in_time, in_frequency = change.chunk(2, dim)
            change = in_time + idct(in_frequency, dim)
        leaf.sub_(change)


def _time_dim(leaf: Tensor, state: dict[str, Any]) -> int | None:
    """The dim of time, which is kept in the state: a stand-in of the leaf in a captured step has no attribute."""
    dim = getattr(leaf, "_pyro_dct_dim", None)
    if dim is not None:
        state["dct_dim"] = dim
    found: int | None = state.get("dct_dim")
    return found


def _adam(state: dict[str, Any], grad: Tensor, is_in: Tensor | None, group: dict[str, Any]) -> Tensor:
    """The change by Adam *(Kingma and Ba 2015, algorithm 1)*, of the elements that are in."""
    if "step" not in state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=grad.device)
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(grad), torch.zeros_like(grad)
        if is_in is not None:
            state["seen"] = torch.zeros_like(grad, dtype=torch.float32)
    (beta1, beta2), mean, square = group["betas"], state["exp_avg"], state["exp_avg_sq"]
    state["step"].add_(1)
    share = 1.0 if is_in is None else is_in.to(grad.dtype)
    mean.add_((1 - beta1) * share * (grad - mean))
    square.add_((1 - beta2) * share * (grad * grad - square))
    if is_in is not None:
        state["seen"].add_(is_in)
    # double precision: β₂ᵗ is close to one, and 1 - β₂ᵗ loses three digits
    step = state["step"].double()
    count = step if is_in is None else state["seen"].double().clamp(min=1)
    rate = (group["lr"] * group["lrd"] ** step / (1 - beta1**count)).to(grad.dtype)
    correction = (1 - beta2**count).sqrt().to(grad.dtype)
    change: Tensor = rate * share * mean / (square.sqrt() / correction + group["eps"])
    return change
