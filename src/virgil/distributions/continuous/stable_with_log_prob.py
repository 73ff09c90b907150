"""Stable distributions that are scored by their density."""

from __future__ import annotations

from virgil.distributions.continuous.stable import Stable

__all__ = ["StableWithLogProb"]


class StableWithLogProb(Stable):
    """`Stable`, which no reparameteriser rewrites: its density is computed.

    Args:
        stability: alpha, in (0, 2].
        skew: beta, in [-1, 1].
        scale: > 0.
        loc: location.
        coords: ``"S0"`` or ``"S"``.
    """
