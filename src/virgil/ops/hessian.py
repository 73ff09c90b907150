"""Second derivatives of a number with respect to tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["hessian"]


def hessian(y: Tensor, xs: Tensor | Sequence[Tensor]) -> Tensor:
    """The matrix of second derivatives of ``y`` with respect to all entries of ``xs``, as one vector in their order.

    There is one backward pass for each entry. The result is differentiable.

    Args:
        y: one number. Shape: ``()``.
        xs: a tensor on which it depends, or several.

    Returns:
        Shape: ``(size, size)``, for ``size`` entries in all.

    Raises:
        ArgumentError: ``y`` is not one number, or does not depend on one of ``xs``.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> hessian(x.prod() + x.square().sum(), x).detach()
    tensor([[2., 1.],
            [1., 2.]])
    """
    tensors = [xs] if isinstance(xs, Tensor) else list(xs)
    if y.dim():
        raise ArgumentError(f"hessian got y of shape {tuple(y.shape)}; it must be one number.")
    gradients = torch.autograd.grad(y, tensors, create_graph=True, allow_unused=True)
    for place, gradient in enumerate(gradients):
        if gradient is None:
            raise ArgumentError(f"hessian got y that does not depend on xs[{place}]; leave that tensor out.")
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    return torch.stack([_row(entry, tensors) for entry in flat])


def _row(entry: Tensor, tensors: list[Tensor]) -> Tensor:
    """The derivatives of one entry of the gradient. It does not depend on a tensor in which ``y`` is linear."""
    seconds: Sequence[Tensor | None] = [None] * len(tensors)
    if entry.requires_grad:
        seconds = torch.autograd.grad(entry, tensors, create_graph=True, allow_unused=True)
    zeros = [torch.zeros_like(x) if second is None else second for x, second in zip(tensors, seconds, strict=True)]
    return torch.cat([each.reshape(-1) for each in zeros])
