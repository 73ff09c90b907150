"""``MinimalReparam``: what cannot be scored or guided well is restated, and nothing else."""

from __future__ import annotations

from virgil import distributions as dist
from virgil.infer.reparam.latent_stable import LatentStableReparam
from virgil.infer.reparam.projected_normal import ProjectedNormalReparam
from virgil.infer.reparam.stable import StableReparam
from virgil.infer.reparam.stable_parts import is_stable
from virgil.infer.reparam.strategy import Strategy
from virgil.infer.reparam.symmetric_stable import SymmetricStableReparam
from virgil.infer.reparam.wrapped_families import innermost
from virgil.poutine.reparam import Reparameteriser
from virgil.poutine.site import Site

__all__ = ["MinimalReparam", "minimal"]


class MinimalReparam(Strategy):
    """Restates stable variables, whose density has no closed form, and latent directions on a sphere.

    A latent ``Stable`` variable gets a :class:`LatentStableReparam`, an observed one a
    :class:`SymmetricStableReparam` or :class:`StableReparam`, and a latent ``ProjectedNormal`` a
    :class:`ProjectedNormalReparam`.
    """

    def configure(self, msg: Site) -> Reparameteriser | None:
        """The reparameteriser of a variable that has not been met before."""
        return minimal(msg)


def minimal(site: Site) -> Reparameteriser | None:
    """The reparameteriser that a site needs; ``None`` where it needs none."""
    family = innermost(site.fn)
    if is_stable(site.fn):
        if not site.observed:
            return LatentStableReparam()
        return SymmetricStableReparam() if bool((family.skew == 0).all()) else StableReparam()
    if isinstance(family, dist.ProjectedNormal) and not site.observed:
        return ProjectedNormalReparam()
    return None
