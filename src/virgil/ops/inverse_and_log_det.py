"""The inverse of a matrix and the logarithm of its determinant, from one factorisation."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import Tensor

__all__ = ["inverse_and_log_det"]


def inverse_and_log_det(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of a matrix whose determinant is positive, and the logarithm of the determinant.

    Torch differentiates the factorisation, which takes many operators; the derivative of both is in the inverse.

    Args:
        matrix: Shape: ``(*batch, size, size)``.

    Returns:
        Shapes: ``(*batch, size, size)`` and ``batch``.

    >>> inverse, log_det = inverse_and_log_det(torch.tensor([[2.0, 0.0], [0.0, 0.5]]))
    >>> inverse.diagonal()
    tensor([0.5000, 2.0000])
    """
    if matrix.shape[-1] == 1:
        return matrix.reciprocal(), matrix[..., 0, 0].log()
    if not (torch.is_grad_enabled() and matrix.requires_grad):
        return _factored(matrix)
    inverse, log_det = _Inverse.apply(matrix)
    return inverse, log_det


def _factored(matrix: Tensor) -> tuple[Tensor, Tensor]:
    factors, pivots, _ = torch.linalg.lu_factor_ex(matrix)
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device).expand(matrix.shape)
    log_det = factors.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
    return torch.linalg.lu_solve(factors, pivots, identity), log_det


class _Inverse(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor) -> tuple[Tensor, Tensor]:
        return _factored(matrix)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(output[0])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        transposed = ctx.saved_tensors[0].mT
        return transposed * grads[1][..., None, None] - transposed @ grads[0] @ transposed


_Inverse.forward.__signature__ = signature(_Inverse.forward)  # type: ignore[attr-defined]  # which apply asks for
