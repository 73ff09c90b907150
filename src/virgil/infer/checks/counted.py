"""Check that there are data, and that each datum counts once."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

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
    if frame.dim is None or frame.particle or frame.size == 1 or not isinstance(site.value, Tensor):
        return
    shape, event = tuple(site.value.shape), tuple(site.fn.event_shape)
    batch = shape[: len(shape) - len(event)]
    if frame.values_in(batch) > 1:
        return
    dim = frame.dim - len(event)
    lacks = f"size 1 at dim {dim}," if len(batch) >= -frame.dim else f"{_event(event)}and so no dim {dim},"
    padded = (1,) * (-frame.dim - len(batch)) + batch
    whole = (*padded[: frame.dim], frame.size, *(padded[frame.dim + 1 :] if frame.dim < -1 else ()), *event)
    yield Finding(
        f"At site {site.name!r}, the observed value has shape {shape}, {lacks} where plate {frame.name!r} has size "
        f"{frame.size}: each value there counts {frame.size} times.",
        f"Give every slot its own value, or take the statement out of the plate. If the same one is meant for all, say "
        f"so by .expand({whole}).",
        site.name,
        severity="warning",
    )


def _event(event: tuple[int, ...]) -> str:
    return f"that of one event {event}, " if event else ""
