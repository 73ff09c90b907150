"""Check that the rounds of an iterated plate see data of their own."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from virgil.infer.checks.finding import Finding, Subject
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["round_problems"]


def round_problems(subject: Subject) -> Iterator[Finding]:
    """Iterated plates of which each round observes the same row of data that have a row for each slot."""
    if subject.failed is not None:
        return
    seen: dict[str, list[tuple[Site, Frame]]] = {}
    for site in subject.model.nodes.values():
        frames = [frame for frame in site.frames if frame.dim is None and not frame.particle]
        if site.kind == "sample" and site.observed and len(frames) == 1 and _is_row(site.value, frames[0]):
            seen.setdefault(frames[0].name, []).append((site, frames[0]))
    for name, rounds in seen.items():
        places = {(site.value.data_ptr(), site.value.shape) for site, _ in rounds}
        if len({frame.counter for _, frame in rounds}) > 1 and len(places) == 1:
            sites = [site.name for site, _ in rounds]
            yield Finding(
                f"Plate {name!r} is iterated over {rounds[0][1].full_size} data, but sites {sites[0]!r} and "
                f"{sites[1]!r} observe the same row of them.",
                f"Write for i in virgil.plate({name!r}, ...): and obs=data[i].",
                sites[0],
            )


def _is_row(value: object, frame: Frame) -> bool:
    """True if a value is a part of data that have a row for each slot of the plate."""
    base = value._base if isinstance(value, Tensor) else None
    return base is not None and base.dim() > 0 and base.shape[0] == frame.full_size
