"""Sites that a guide has in other coordinates: what it makes of its own statements, and of the model's."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from virgil.distributions import Delta
from virgil.infer.autoguide.core.inside import Inside
from virgil.infer.reparam.loc_scale import LocScaleReparam
from virgil.infer.reparam.wrapped_families import innermost
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["AsAuxiliary", "Decentred", "Restored", "decentred_name"]


def decentred_name(name: str) -> str:
    """The name under which ``LocScaleReparam`` states a variable."""
    return f"{name}_decentered"


class Decentred:
    """A ``config=`` of ``poutine.reparam`` that states some variables of a model in other coordinates.

    Args:
        centered: the centredness of all of them.

    Attributes:
        names: of the variables.
    """

    def __init__(self, centered: float) -> None:
        self.names: list[str] = []
        self._reparam = LocScaleReparam(centered)

    def __call__(self, site: Site) -> LocScaleReparam | None:
        """The reparameteriser of a site."""
        return self._reparam if site.name in self.names else None


class AsAuxiliary(Handler):
    """Marks sites that a guide states and the model does not have.

    Args:
        names: of these sites.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    def before(self, site: Site) -> Site:
        """Mark the site."""
        if site.name in self.names and site.kind == "sample":
            site = site.replace(infer={**site.infer, "is_auxiliary": True})
        return site


class Restored(Inside):
    """States the variables that a guide has in other coordinates, at the values that follow from these.

    Args:
        values: that the guide has drawn, by its own names.
        indices: of the plates that it has made.
        centered: by variable in other coordinates, its centredness in all slots. Shape: ``(*plates, *event)``.

    Attributes:
        found: the values of all latent variables of the model, by name.
    """

    def __init__(
        self, values: Mapping[str, Tensor], indices: dict[str, Tensor], centered: Mapping[str, Tensor]
    ) -> None:
        super().__init__(values, indices)
        self.centered = centered
        self.found: dict[str, Tensor] = {}

    def _latent(self, site: Site, outer: Outer) -> Site:
        finished = outer(self._restored(site)) if site.name in self.centered else super()._latent(site, outer)
        self.found[site.name] = finished.value
        return finished

    def _restored(self, site: Site) -> Site:
        """The statement of a variable at its value; its density is that in the other coordinates, stretched."""
        site.broadcast()
        event_dim = len(site.fn.event_shape)
        family, centered = innermost(site.fn), self._cut(site, event_dim)
        loc, scale, decentred = family.loc, family.scale, self.values[decentred_name(site.name)]
        value = loc + scale ** (1 - centered) * (decentred - centered * loc)
        log_stretch = ((1 - centered) * scale.log()).expand(value.shape)
        if event_dim:
            log_stretch = log_stretch.flatten(-event_dim).sum(-1)
        # the guide's other statements have neither the scales nor the masks that the model puts around its own
        return site.replace(fn=Delta(value, -log_stretch, event_dim=event_dim), scale=1.0, mask=None)

    def _cut(self, site: Site, event_dim: int) -> Tensor:
        """The centredness in the slots of this run."""
        centered = self.centered[site.name]
        for frame in site.frames:
            if frame.dim is not None and frame.size != frame.full_size:
                centered = centered.index_select(frame.dim - event_dim, self.indices[frame.name])
        return centered
