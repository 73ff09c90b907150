"""Check that there are data, and that each datum counts once."""

from __future__ import annotations

from collections.abc import Iterator

from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.signature import arguments_of_none
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["observation_problems"]


def observation_problems(subject: Subject) -> Iterator[Finding]:
    """Observations that are stretched over a plate, and a model that observes nothing because data were not passed."""
    observed = [site for role, site in subject.sites() if role == "model" and site.observed]
    for site in observed:
        if not site.is_factor and site.mask is not False:
            for frame in site.frames:
                yield from _stretched(site, frame)
    empty = arguments_of_none(subject, "model")
    if not observed and empty and subject.failed is None and subject.model.stochastic_nodes:
        names = " and ".join(map(repr, empty))
        yield Finding(
            f"The model observes nothing, and was called with None for {names}. Without data the guide is fitted to "
            "the prior.",
            "Pass the data to model and guide: a statement with obs=None is latent.",
            severity="warning",
        )


def _stretched(site: Site, frame: Frame) -> Iterator[Finding]:
    if frame.dim is None or frame.particle or frame.size == 1:
        return
    shape, dim = tuple(site.value.shape), frame.dim - len(site.fn.event_shape)
    if len(shape) >= -dim and shape[dim] == 1:
        whole = (*shape[:dim], frame.size, *(shape[dim + 1 :] if dim < -1 else ()))
        yield Finding(
            f"At site {site.name!r}, the observed value has shape {shape}, size 1 at dim {dim}, where plate "
            f"{frame.name!r} has size {frame.size}: each value there counts {frame.size} times.",
            f"Give every slot its own value. If the same one is meant for all, say so by .expand({whole}).",
            site.name,
            severity="warning",
        )
