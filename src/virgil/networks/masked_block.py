"""A linear layer of blocks, of which those on the diagonal are positive."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from virgil.errors import ArgumentError, shown

__all__ = ["MaskedBlockLinear", "log_matrix_product"]


def log_matrix_product(A: Tensor, B: Tensor) -> Tensor:
    """The logarithm of the product of two matrices of positive entries, from their logarithms.

    Shape: ``(..., i, j)`` and ``(..., j, k)`` to ``(..., i, k)``.

    >>> A, B = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]])
    >>> log_matrix_product(A.log(), B.log()).exp()
    tensor([[11.0000]])
    """
    return (A[..., :, :, None] + B[..., None, :, :]).logsumexp(-2)


class MaskedBlockLinear(nn.Module):
    r"""A linear layer with a lower triangular matrix of blocks, positive on the diagonal.

    Inputs and outputs are ``dim`` groups of equal size; the outputs of a group increase in the inputs of this group and
    depend on those of the groups before it. With :math:`V` the weights, of which the diagonal blocks are exponentials,
    row i of the matrix is :math:`e^{g_i} V_i / \lVert V_i \rVert`.

    Source: De Cao, Titov and Aziz 2019, "Block Neural Autoregressive Flow"; Salimans and Kingma 2016,
    "Weight Normalization".

    Args:
        in_features: size of the last dim of the input, a multiple of ``dim``.
        out_features: size of the last dim of the output, a multiple of ``dim``.
        dim: the number of groups.
        bias: add a vector.

    Raises:
        ArgumentError: a size that is no positive multiple of ``dim``.
    """

    mask_d: Tensor
    mask_o: Tensor

    def __init__(self, in_features: int, out_features: int, dim: int, bias: bool = True) -> None:
        super().__init__()
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if size < 1 or size % dim:
                raise ArgumentError(
                    f"MaskedBlockLinear got {name}={shown(size)} for dim={dim}; it takes a positive multiple of dim."
                )
        self.in_features, self.out_features, self.dim = in_features, out_features, dim
        row, column = torch.arange(out_features) * dim // out_features, torch.arange(in_features) * dim // in_features
        diagonal, before = row[:, None] == column, row[:, None] > column
        dtype = torch.get_default_dtype()
        self.register_buffer("mask_d", diagonal.to(dtype))
        self.register_buffer("mask_o", before.to(dtype))
        # uniform as of Glorot and Bengio 2010, for each group with the inputs that it has
        fan = out_features // dim + (row + 1) * (in_features // dim)
        weight = (2 * torch.rand(out_features, in_features) - 1) * (6 / fan[:, None]).sqrt()
        self._weight = nn.Parameter(weight * (diagonal | before))
        self._diag_weight = nn.Parameter(torch.rand(out_features, 1).clamp(min=1e-6).log())
        limit = 1 / math.sqrt(out_features)
        self.bias = nn.Parameter((2 * torch.rand(out_features) - 1) * limit) if bias else None

    def get_weights(self) -> tuple[Tensor, Tensor]:
        """The matrix, and the logarithms of its diagonal blocks.

        Returns:
            The matrix, of shape ``(out_features, in_features)``, and the blocks, of shape
            ``(dim, out_features // dim, in_features // dim)``.
        """
        inside = self.mask_d > 0
        log_weight = torch.where(inside, self._weight, 0.0)  # elsewhere a weight may be large
        weight = log_weight.exp() * self.mask_d + self._weight * self.mask_o
        norm = torch.linalg.vector_norm(weight, dim=-1, keepdim=True)
        rows = (self._diag_weight + log_weight - norm.log()).unflatten(0, (self.dim, -1))
        blocks = rows.unflatten(-1, (self.dim, -1)).diagonal(dim1=0, dim2=2).movedim(-1, 0)
        return self._diag_weight.exp() * weight / norm, blocks

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's output, and the logarithms of the diagonal blocks of its matrix.

        Shape: ``(..., in_features)`` to ``(..., out_features)`` and
        ``(dim, out_features // dim, in_features // dim)``.
        """
        weight, blocks = self.get_weights()
        return functional.linear(x, weight, self.bias), blocks
