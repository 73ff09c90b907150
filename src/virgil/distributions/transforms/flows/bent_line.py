"""The inverse of a line with a bend, the function of one number in planar and Sylvester maps."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.ops.monotone_inverse import invert_increasing

__all__ = ["invert_bent"]


def invert_bent(y: Tensor, shift: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    r"""The number :math:`x` with :math:`x + r \tanh(s x + b) = y`, elementwise.

    Args:
        y: the value. Shapes of all arguments broadcast.
        shift: :math:`b`.
        inner: :math:`s`.
        outer: :math:`r`, where :math:`r s > -1`, so that the function increases.
    """
    y, shift, inner, outer = torch.broadcast_tensors(y, shift, inner, outer)

    def bent(x: Tensor) -> tuple[Tensor, Tensor]:
        bend = (inner * x + shift).tanh()
        return x + outer * bend, torch.log1p(outer * inner * (1 - bend.square()))

    # the bend is less than r; a little more, so that rounding does not leave the solution outside
    reach = 1.01 * outer.abs() + 8 * torch.finfo(y.dtype).eps * (y.abs() + 1)
    return invert_increasing(bent, y, y - reach, y + reach)
