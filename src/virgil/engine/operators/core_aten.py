"""The operators that most programs have, in terms of Core ATen.

Torch has such a form of each, for all dtypes, some of which take several times as long. They load torch's compiler or
its symbolic shapes, which takes as long as ``import torch``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.engine.operators.aten import aten, present
from virgil.ops.nested_tensors import tensors_in

__all__ = ["PLAIN"]


def _addcmul(x: Tensor, one: Tensor, other: Tensor, *, value: float = 1) -> Tensor:
    return x + (one if value == 1 else value * one) * other  # in this order as in torch: a square is not shared then


def _addcdiv(x: Tensor, one: Tensor, other: Tensor, *, value: float = 1) -> Tensor:
    quotient = one / other
    return x + (quotient if value == 1 else value * quotient)


def _lerp(x: Tensor, end: Tensor, weight: float) -> Tensor:
    return x + weight * (end - x) if abs(weight) < 0.5 else end - (1 - weight) * (end - x)


def _log_sigmoid(x: Tensor) -> tuple[Tensor, Tensor]:
    z = torch.exp(-x.abs())
    return x.clamp(max=0.0) - torch.log1p(z), z


def _log_sigmoid_backward(gradient: Tensor, x: Tensor, z: Tensor) -> Tensor:
    z = torch.exp(-x.abs())
    share = z / (1 + z)
    return gradient * torch.where(x < 0, 1 - share, share)


def _logsumexp(x: Tensor, dims: list[int], keepdim: bool = False) -> Any:
    if x.numel() == 0:
        return NotImplemented
    highest = x.amax(dims, keepdim=True)
    highest = torch.where(highest.abs() == torch.inf, 0.0, highest)
    total = (x - highest).exp().sum(dims, keepdim=keepdim).log()
    return total + (highest if keepdim else highest.squeeze(dims))


def _sigmoid_backward(gradient: Tensor, y: Tensor) -> Tensor:
    return gradient * (y * (1 - y))


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    scaled = x if beta == 1 else x * beta
    value = torch.log1p(torch.exp(scaled))
    return torch.where(scaled > threshold, x, value if beta == 1 else value / beta)


def _softplus_backward(gradient: Tensor, x: Tensor, beta: float, threshold: float) -> Tensor:
    scaled = x if beta == 1 else x * beta
    z = torch.exp(scaled)
    return torch.where(scaled > threshold, gradient, gradient * z / (z + 1))


def _xlogy(x: Tensor, y: Tensor) -> Tensor:
    return torch.where(y.isnan(), torch.nan, torch.where(x == 0, 0.0, x * torch.log(y)))


def _stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    return torch.cat([each.unsqueeze(dim) for each in tensors], dim if dim >= 0 else dim + tensors[0].dim() + 1)


def _split(x: Tensor, size: int, dim: int = 0) -> Any:
    length = x.shape[dim]
    if size == 0:
        return NotImplemented
    return [x.narrow(dim, first, min(size, length - first)) for first in range(0, max(length, 1), size)]


def _unbind(x: Tensor, dim: int = 0) -> list[Tensor]:
    return [x.select(dim, place) for place in range(x.shape[dim])]


def _filled(value: float) -> Callable[..., Tensor]:
    def fill(size: Sequence[int], *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
        return aten.full.default(size, value, dtype=dtype or torch.get_default_dtype(), device=device)

    return fill


def _of_floats(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The form, where all tensors have dtypes in which torch computes without converting."""

    def apply(*args: Any, **kwargs: Any) -> Any:
        dtypes = {each.dtype for each in tensors_in((args, kwargs))}
        return fn(*args, **kwargs) if dtypes <= _FLOATS else NotImplemented

    return apply


_FLOATS = {torch.float32, torch.float64}
_FORMS: dict[Any, Callable[..., Any]] = {
    aten.addcdiv.default: _of_floats(_addcdiv),
    aten.addcmul.default: _of_floats(_addcmul),
    aten.lerp.Scalar: _of_floats(_lerp),
    aten.log_sigmoid_backward.default: _of_floats(_log_sigmoid_backward),
    aten.log_sigmoid_forward.default: _of_floats(_log_sigmoid),
    aten.logsumexp.default: _of_floats(_logsumexp),
    aten.ones.default: _filled(1),
    aten.sigmoid_backward.default: _of_floats(_sigmoid_backward),
    aten.softplus.default: _of_floats(_softplus),
    aten.softplus_backward.default: _of_floats(_softplus_backward),
    aten.split.Tensor: _split,
    aten.stack.default: _stack,
    aten.unbind.int: _unbind,
    aten.xlogy.Tensor: _of_floats(_xlogy),
    aten.zeros.default: _filled(0),
}
PLAIN = present(_FORMS)
