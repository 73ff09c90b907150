"""The hyperbolic tangent as a map."""

from __future__ import annotations

from torch.distributions.transforms import TanhTransform

__all__ = ["tanh"]


def tanh() -> TanhTransform:
    """A new ``TanhTransform``, torch's map of real numbers onto those between -1 and 1."""
    return TanhTransform()
