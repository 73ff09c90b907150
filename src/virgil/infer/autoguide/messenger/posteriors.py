"""``Posteriors``: the handler under which a model's run becomes that of a guide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor

from virgil.distributions import Delta
from virgil.poutine.plate_context import known_indices
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, Tracer

__all__ = ["Posteriors"]


class Posteriors(Handler):
    """Gives each latent site a posterior in the place of its prior, and lets out what a guide states.

    Latent sites, parameters and the indices of plates go outward. Observed and deterministic sites and factors are
    resolved here, and seen by no handler outside.

    Args:
        posterior_of: from a latent site, its distribution the prior broadcast to its plates, to its posterior, or to
            its value. What it states stands where the site stands.
        trace: where to record all sites; a latent one has the posterior as ``fn``, and the prior under
            ``infer["prior"]``.

    Attributes:
        indices: by plate, the indices of its mini-batch; ``None`` for one that is whole.
    """

    def __init__(self, posterior_of: Callable[[Site], Any], trace: Trace) -> None:
        self.posterior_of = posterior_of
        self.trace = trace
        self.indices: dict[str, Tensor | None] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one statement."""
        if site.is_latent and not site.infer.get("is_auxiliary"):
            site = self._stated(site, outer)
        elif site.kind in ("sample", "deterministic") and not site.is_latent:
            site = site.resolve()
        else:
            site = outer(site)
        if site.kind == "plate":
            whole = not site.observed and site.fn.size == site.fn.subsample_size
            self.indices[site.name] = None if whole else cast(Tensor, site.value)
        self.trace.add(site)
        return site

    def _stated(self, site: Site, outer: Outer) -> Site:
        site.broadcast()
        prior = site.fn
        with Tracer() as inner:
            posterior = self.posterior_of(site)
        for stated in inner.trace.nodes.values():
            self.trace.add(stated)
        if isinstance(posterior, Tensor):
            posterior = Delta(posterior, event_dim=len(prior.event_shape))
        finished = outer(site.replace(fn=posterior))
        return finished.replace(infer={**finished.infer, "prior": prior})

    def cut(self, tensor: Tensor, site: Site, event_dim: int) -> Tensor:
        """The mini-batch of a tensor that has the plates' full size, or 1 where a plate's slots share it."""
        for frame in site.frames:
            if frame.dim is not None:
                indices, dim = self.indices.get(frame.name), frame.dim - event_dim
                if indices is not None and tensor.dim() >= -dim and tensor.shape[dim] > 1:
                    tensor = tensor.index_select(dim, known_indices(frame.name, indices))
        return tensor
