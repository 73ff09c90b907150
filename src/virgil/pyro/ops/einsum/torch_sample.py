"""A backend of opt-einsum: sums, whose derivative is a draw, of numbers given as logarithms."""

from __future__ import annotations

from virgil.pyro.ops.adjoint import transpose
from virgil.pyro.ops.einsum.backend import Tensordot, einsum_of

__all__ = ["einsum", "tensordot", "transpose"]

einsum = einsum_of("torch_sample")
tensordot = Tensordot(einsum)
