"""Latent stable variables, stated as noise whose density is known."""

from __future__ import annotations

from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed
from virgil.infer.reparam.stable_parts import family_of, location, standard_stable, stated_noise
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["LatentStableReparam"]


class LatentStableReparam(Reparam):
    """States a latent ``Stable`` variable as ``x_uniform``, an angle, and ``x_exponential``.

    The variable is the function of these by which stable variables are drawn *(Chambers, Mallows and Stuck 1976)*.

    Raises:
        ArgumentError: the variable is observed, no ``Stable``, or to begin at a value.
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the noise; the variable itself is a function of it."""
        refuse_observed(self, msg)
        family = family_of(self, msg)
        noise = stated_noise(msg["name"], msg["fn"])
        value = location(family) + family.scale * standard_stable(noise, family.stability, family.skew)
        return computed(value, len(msg["fn"].event_shape))
