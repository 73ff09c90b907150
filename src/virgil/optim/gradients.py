"""Gradients around a step: they are clipped before it and forgotten after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.ops.foreach import foreach
from virgil.optim.options import OptimArgs, options_for

__all__ = ["GradientClip", "resting", "zero_grads"]

_KNOWN = ("clip_norm", "clip_value")


def zero_grads(params: Iterable[Tensor]) -> None:
    """Forget the gradients of leaf tensors.

    They become ``None``, not zero: an optimiser does not step a parameter that the next loss does not touch.

    >>> import torch
    >>> leaf = torch.ones(2, requires_grad=True)
    >>> leaf.sum().backward()
    >>> zero_grads([leaf])
    >>> leaf.grad is None
    True
    """
    for each in params:
        each.grad = None


@contextmanager
def resting(leaves: Iterable[Tensor]) -> Iterator[None]:
    """A block in which these leaves have no gradients, so that an optimiser passes them over."""
    grads = [(leaf, leaf.grad) for leaf in leaves if leaf.grad is not None]
    zero_grads(leaf for leaf, _ in grads)
    try:
        yield
    finally:
        for leaf, grad in grads:
            leaf.grad = grad


class GradientClip:
    """Clips gradients in place, parameter by parameter.

    Args:
        args: ``clip_norm``: the largest Euclidean norm of a parameter's gradient; ``clip_value``: the largest absolute
            value of an element. A dict, or a function from a parameter's name to one.
    """

    def __init__(self, args: OptimArgs) -> None:
        self._args = args
        self._limits: dict[str, tuple[float | None, float | None]] = {}
        if not callable(args):
            _limits(args)

    def __call__(self, named: Mapping[str, Tensor]) -> None:
        """Clip the gradients of the named leaves."""
        grads: dict[tuple[float | None, float | None], list[Tensor]] = {}
        for name, leaf in named.items():
            if leaf.grad is None:
                continue
            limits = self._limits.get(name)
            if limits is None:
                limits = self._limits[name] = _limits(options_for(name, self._args))
            grads.setdefault(limits, []).append(leaf.grad)
        for (norm, value), members in grads.items():
            if norm is not None:
                _clip_norm(members, norm)
            if value is not None:
                foreach("clamp_min_", members, -value)
                foreach("clamp_max_", members, value)


def _limits(args: Mapping[str, float]) -> tuple[float | None, float | None]:
    for name, limit in args.items():
        if name not in _KNOWN:
            raise ArgumentError(f"clip_args got an unknown key {name!r}. {did_you_mean(name, _KNOWN)}")
        if not limit > 0:
            raise ArgumentError(f"clip_args got {name}={shown(limit)}; it takes a positive number.")
    return args.get("clip_norm"), args.get("clip_value")


def _clip_norm(grads: list[Tensor], limit: float) -> None:
    """Scale each gradient by ``min(1, limit / (norm + 1e-6))``, as ``torch.nn.utils.clip_grad_norm_`` does."""
    factors = foreach("norm", grads)
    foreach("add_", factors, 1e-6)
    foreach("reciprocal_", factors)
    foreach("mul_", factors, limit)
    foreach("clamp_max_", factors, 1.0)
    foreach("mul_", grads, factors)
