"""Three ways to eliminate a variable: by summing, by maximising, by sampling. All work on logarithms.

A semiring is one reduction with a derivative of its own. The derivative of a sum with respect to the logarithms is the
posterior probability of each value. The derivative of a maximum is a one at the value that attains it, and that of a
sample is a one at a value drawn from the posterior. So one backward pass over an elimination gives marginals, the most
probable assignment, or an exact joint sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.ops.mapping import is_mapped

__all__ = ["MAXIMUM", "SAMPLE", "SUM", "Semiring"]

Reduce = Callable[[Tensor, tuple[int, ...]], Tensor]


@dataclass(frozen=True, slots=True)
class Semiring:
    """``reduce(logs, dims)`` eliminates dims of a tensor of logarithms. Factors are multiplied by adding logarithms."""

    name: str
    reduce: Reduce


class _LogSumExp(torch.autograd.Function):
    """``torch.logsumexp`` with a derivative of zero, not NaN, where every term is log 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logs: Tensor, dims: tuple[int, ...]) -> Tensor:
        return torch.logsumexp(logs, dims)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        logs, ctx.dims = inputs
        ctx.save_for_backward(logs, output)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        logs, total = ctx.saved_tensors
        total = _unsqueezed(total, ctx.dims, logs)
        weights = torch.where(total == -torch.inf, 0.0, (logs - total).exp())
        return _unsqueezed(grads[0], ctx.dims, logs) * weights, None


class _Pick(torch.autograd.Function):
    """A reduction whose derivative is a one at one entry, ``picked`` among the flattened dims."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logs: Tensor, dims: tuple[int, ...], value: Tensor, picked: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        logs, ctx.dims, _, picked = inputs
        ctx.shape = logs.shape
        ctx.save_for_backward(picked)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (picked,) = ctx.saved_tensors
        kept = [dim for dim in range(len(ctx.shape)) if dim - len(ctx.shape) not in ctx.dims]
        gone = [dim for dim in range(len(ctx.shape)) if dim - len(ctx.shape) in ctx.dims]
        flat = grads[0].new_zeros((*grads[0].shape, _size(ctx.shape, gone)))
        flat = flat.scatter(-1, picked.unsqueeze(-1), grads[0].unsqueeze(-1))
        spread = flat.reshape(*grads[0].shape, *(ctx.shape[dim] for dim in gone))
        order = [0] * len(ctx.shape)
        for place, dim in enumerate((*kept, *gone)):
            order[dim] = place
        return spread.permute(order), None, None, None


def _size(shape: torch.Size, dims: list[int]) -> int:
    size = 1
    for dim in dims:
        size *= shape[dim]
    return size


def _unsqueezed(tensor: Tensor, dims: tuple[int, ...], like: Tensor) -> Tensor:
    shape = [1 if dim - like.dim() in dims else size for dim, size in enumerate(like.shape)]
    return tensor.reshape(shape)


def _flattened(logs: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The logarithms with the reduced dims as one dim on the right."""
    kept = [dim for dim in range(logs.dim()) if dim - logs.dim() not in dims]
    gone = [dim for dim in range(logs.dim()) if dim - logs.dim() in dims]
    return logs.permute(*kept, *gone).reshape(*(logs.shape[dim] for dim in kept), -1)


def _sum(logs: Tensor, dims: tuple[int, ...]) -> Tensor:
    return _plain_sum(logs, dims) if is_mapped() else _LogSumExp.apply(logs, dims)


def _plain_sum(logs: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The same in operators that torch has for many draws at once."""
    largest = logs.detach().amax(dims, keepdim=True)
    largest = torch.where(largest.isinf(), 0.0, largest)
    total = (logs - largest).exp().sum(dims)
    is_zero = total == 0
    rest = torch.where(is_zero, 1.0, total).log() + largest.reshape(total.shape)
    return torch.where(is_zero, -torch.inf, rest)


def _maximum(logs: Tensor, dims: tuple[int, ...]) -> Tensor:
    value, picked = _flattened(logs.detach(), dims).max(-1)
    return _Pick.apply(logs, dims, value, picked)  # type: ignore[no-any-return]


def _sample(logs: Tensor, dims: tuple[int, ...]) -> Tensor:
    flat = _flattened(logs.detach(), dims)
    value = torch.logsumexp(flat, -1)
    # the largest of the logarithms, each plus its own Gumbel noise, is a draw (Maddison, Tarlow and Minka 2014)
    noise = -torch.empty_like(flat).exponential_().log()
    return _Pick.apply(logs, dims, value, (flat + noise).argmax(-1))  # type: ignore[no-any-return]


SUM = Semiring("sum", _sum)
MAXIMUM = Semiring("maximum", _maximum)
SAMPLE = Semiring("sample", _sample)
