"""A linear layer without some of its connections."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from virgil.errors import ShapeError

__all__ = ["MaskedLinear"]


class MaskedLinear(nn.Linear):
    """A linear layer whose weight counts only where a mask is nonzero: ``x @ (weight * mask).T + bias``.

    Args:
        in_features: size of the last dim of the input.
        out_features: size of the last dim of the output.
        mask: which inputs reach which outputs, ones and zeros. Shape: ``(out_features, in_features)``.
        bias: whether there is one. It is not masked.

    Raises:
        ShapeError: the mask has another shape.
    """

    mask: Tensor

    def __init__(self, in_features: int, out_features: int, mask: Tensor, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        if mask.shape != self.weight.shape:
            raise ShapeError(
                f"MaskedLinear got a mask of shape {tuple(mask.shape)}; with in_features={in_features} and "
                f"out_features={out_features} it must be {tuple(self.weight.shape)}: outputs first, as the weight has "
                "them."
            )
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output. Shape: ``(..., in_features)`` to ``(..., out_features)``."""
        return functional.linear(x, self.weight * self.mask, self.bias)
