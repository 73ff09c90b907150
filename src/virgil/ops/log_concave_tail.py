"""Integrals over the half line of a function whose logarithm is concave, with derivatives by its parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["log_complement", "log_tail_integral", "tail_integrals"]

_Function = Callable[[Tensor], Tensor]

_NODES = 96
_FIRST, _LAST = -3.8, 4.0  # beyond them the weights, and the function, are below a rounding
_HALVINGS = 11
_RANGE = 60.0  # of the logarithm of the scale, to either side
_CACHED = 65_536  # numbers


def log_tail_integral(fn: _Function, like: Tensor) -> Tensor:
    r""":math:`\log \int_0^\infty \exp(h(s)) ds` for a concave h with h(0) = 0, elementwise.

    It is the double exponential rule *(Takahasi and Mori 1974)*, :math:`s = L \exp(t - \exp(-t))`, at 96 nodes, where
    L is about the point with h(L) = -1. The nodes are constants, so automatic differentiation gives derivatives of any
    order by what h depends on.

    Args:
        fn: h. Its argument has a dim for the nodes at the right of the shape of ``like``.
        like: a tensor in double precision of the result's shape.
    """
    with torch.no_grad():
        t, log_scale = _steps(like, _NODES), _log_scale(fn, like).unsqueeze(-1)
        log_s = log_scale + t - (-t).exp()
        log_weight = log_s + torch.log1p((-t).exp()) + (t[1] - t[0]).log()
    return (fn(log_s.exp()) + log_weight).logsumexp(-1)


@torch.no_grad()
def tail_integrals(
    fn: Callable[[Tensor], tuple[Tensor, Tensor]], like: Tensor, nodes: int = _NODES
) -> tuple[Tensor, Tensor]:
    r"""The integral of `log_tail_integral` as it is, and that of a function times :math:`\exp(h(s))`, without a graph.

    Large tensors are taken some nodes at a time, which stay in the processor's cache.

    Args:
        fn: h and the other function.
        like: as there.
        nodes: how many: 96 give thirteen digits, 64 about eight.
    """
    scale = _log_scale(lambda s: fn(s)[0], like).exp().unsqueeze(-1)
    t = _steps(like, nodes)
    place, width = (t - (-t).exp()).exp(), (1 + (-t).exp()) * (t[1] - t[0])
    total = mean = torch.zeros_like(like)
    some = max(1, _CACHED // max(1, like.numel()))
    for places, widths in zip(place.split(some), width.split(some), strict=True):
        s = scale * places
        logs, values = fn(s)
        weights = logs.exp() * (s * widths)
        total, mean = total + weights.sum(-1), mean + (values * weights).sum(-1)
    return total, mean


def _steps(like: Tensor, nodes: int) -> Tensor:
    return torch.linspace(_FIRST, _LAST, nodes, dtype=like.dtype, device=like.device)


def _log_scale(fn: _Function, like: Tensor) -> Tensor:
    """The logarithm of L, by halving."""
    low, high = torch.full_like(like, -_RANGE), torch.full_like(like, _RANGE)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        beyond = fn(middle.exp().unsqueeze(-1)).squeeze(-1) < -1
        low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
    return high


def log_complement(log_mass: Tensor) -> Tensor:
    """``log(1 - exp(log_mass))``, which keeps its digits at either end.

    >>> log_complement(torch.tensor(-50.0, dtype=torch.double))
    tensor(-1.9287e-22, dtype=torch.float64)
    """
    small = log_mass < -0.7
    of_small = torch.log1p(-torch.where(small, log_mass, -1.0).exp())
    of_large = (-torch.expm1(torch.where(small, -1.0, log_mass.clamp_max(-1e-300)))).log()
    return torch.where(small, of_small, of_large)
