"""Check that guide and model use the same plates."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from virgil.errors import did_you_mean
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.pairing import is_auxiliary
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["plate_problems"]


def plate_problems(subject: Subject) -> Iterator[Finding]:
    """Plates of the guide that the model lacks, or that have other sizes or, at some site, another dim."""
    in_model = _plates(subject.model)
    known = in_model.keys() | {name for name, site in subject.model.nodes.items() if site.kind == "plate"}
    for name, (frame, site) in _plates(subject.guide).items():
        if name in in_model:
            yield from _size_problems(frame, in_model[name][0])
            yield from _index_problems(name, subject)
            yield from _overridden(name, subject)
        elif name not in known and subject.failed is None and site in subject.model:
            yield Finding(
                f"The guide has site {site!r} in plate {name!r}, which the model lacks. {did_you_mean(name, known)}",
                "Give the guide's plate the model's name, or use .to_event() where the model has no plate.",
                site,
            )
    for name, each in subject.guide.nodes.items():
        other = subject.model.nodes.get(name)
        if each.kind == "sample" and other is not None:
            yield from _dim_problems(each, other)


def _plates(trace: Trace) -> dict[str, tuple[Frame, str]]:
    """By plate name: its frame, and the first site in it."""
    plates: dict[str, tuple[Frame, str]] = {}
    for name, site in trace.nodes.items():
        if site.kind == "sample" and not is_auxiliary(site):
            for frame in site.frames:
                plates.setdefault(frame.name, (frame, name))
    return plates


def _size_problems(guide: Frame, model: Frame) -> Iterator[Finding]:
    if guide.full_size != model.full_size:
        sizes = f"full size {guide.full_size} in the guide and {model.full_size} in the model."
        yield Finding(f"Plate {guide.name!r} has {sizes}", "Give both the same size.", guide.name)
    elif guide.size != model.size:
        yield Finding(
            f"Plate {guide.name!r} has mini-batch size {guide.size} in the guide and {model.size} in the model.",
            "Give both the same size, and let the guide draw the mini-batch: the model takes it from there.",
            guide.name,
        )


def _index_problems(name: str, subject: Subject) -> Iterator[Finding]:
    ours, theirs = subject.guide.nodes.get(name), subject.model.nodes.get(name)
    if ours is None or theirs is None or ours.kind != "plate" or theirs.kind != "plate":
        return
    if ours.value.shape == theirs.value.shape and not torch.equal(ours.value, theirs.value):
        yield Finding(
            f"Plate {name!r} has indices {_few(ours.value)} in the guide and {_few(theirs.value)} in the model: the "
            "guide's variables are those of other data.",
            "Give both plates the same subsample=, or leave it out in the model, which then takes the guide's.",
            name,
        )


def _overridden(name: str, subject: Subject) -> Iterator[Finding]:
    """A model's own size of the mini-batch, in the place of which it takes the guide's."""
    ours, theirs = subject.guide.nodes.get(name), subject.model.nodes.get(name)
    if ours is None or theirs is None or ours.kind != "plate" or theirs.kind != "plate" or theirs.observed:
        return
    size, wanted = len(theirs.value), theirs.fn.subsample_size
    if wanted not in (size, theirs.fn.size):
        yield Finding(
            f"Plate {name!r} has subsample_size={wanted} in the model, and the guide draws {size} indices for it.",
            "Give both the same subsample_size, or leave it out in the model.",
            name,
            otherwise=f"The model takes the guide's {size}, and its plate weighs them by {theirs.fn.size / size:g}.",
        )


def _few(indices: Tensor) -> str:
    shown = ", ".join(map(str, indices[:5].tolist()))
    return f"[{shown}{', ...' if len(indices) > 5 else ''}]"


def _dim_problems(guide: Site, model: Site) -> Iterator[Finding]:
    dims = {frame.name: frame.dim for frame in model.frames}
    for frame in guide.frames:
        if frame.name in dims and dims[frame.name] != frame.dim:
            yield Finding(
                f"At site {guide.name!r}, plate {frame.name!r} is at dim {frame.dim} in the guide and at dim "
                f"{dims[frame.name]} in the model.",
                "Nest the plates in the same order, or give both plates the same dim=.",
                guide.name,
            )
    stated = {frame.name for frame in guide.frames}
    for frame in model.frames:
        if frame.name not in stated and frame.dim is not None:
            yield Finding(
                f"At site {guide.name!r}, the model has plate {frame.name!r}, which the guide lacks around this site.",
                f"Write with virgil.plate({frame.name!r}, ...) around it in the guide as well.",
                guide.name,
            )
