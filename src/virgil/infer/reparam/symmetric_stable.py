"""Symmetric stable variables, stated as normal ones of random scale."""

from __future__ import annotations

from virgil import distributions as dist
from virgil.errors import ArgumentError
from virgil.infer.reparam.reparameteriser import Reparam
from virgil.infer.reparam.stable_parts import family_of, root_of_mixing, stated_noise
from virgil.infer.reparam.wrapped_families import rebuilt
from virgil.ops.all_true import all_true
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["SymmetricStableReparam"]


class SymmetricStableReparam(Reparam):
    """States ``x_uniform`` and ``x_exponential``, given which a symmetric ``Stable`` variable is normal.

    The variable may be latent or observed. Its scale is the root of a positive stable variable of half
    the stability, times its own *(Samorodnitsky and Taqqu 1994, proposition 1.3.1)*.

    Raises:
        ArgumentError: the variable is no ``Stable``, or its skew is not 0.
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the noise; the variable itself is normal given it."""
        family = family_of(self, msg)
        if not all_true(family.skew == 0):
            raise ArgumentError(
                f"At site {msg['name']!r}, SymmetricStableReparam got a Stable whose skew is not 0. Use StableReparam."
            )
        root = root_of_mixing(stated_noise(msg["name"], msg["fn"]), family.stability)
        fn = rebuilt(msg["fn"], lambda family: dist.Normal(family.loc, family.scale * root))
        return {"fn": fn, "value": msg["value"], "is_observed": bool(msg["is_observed"])}
