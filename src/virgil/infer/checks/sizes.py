"""Check that parameters were made for data of this size; it runs where shapes do not fit."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from virgil.errors import ParamError
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.density.dry_run import dry_run
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["size_problems"]


def size_problems(subject: Subject) -> Iterator[Finding]:
    """Parameters and automatic guides of another size than the call needs: of earlier data, or of another model.

    A parameter whose initial value is a tensor is compared with it when it is declared. One whose initial value is made
    by a function is compared here, and the function called for it, only if a program has failed or event shapes differ.
    """
    differing = _differing(subject)
    if subject.failed is None and not differing:
        return
    for trace in (subject.guide, subject.model):
        for name, site in trace.nodes.items():
            if site.kind == "param":
                yield from _stale(name, site)
    prototype = getattr(subject.programs.get("guide"), "prototype_trace", None)
    if isinstance(prototype, Trace):
        for name, ours, theirs in differing:
            made = prototype.nodes.get(name)
            if made is not None and tuple(made.fn.event_shape) == ours:
                yield Finding(
                    f"At site {name!r}, {type(subject.programs['guide']).__name__} has parameters for event shape "
                    f"{ours}, that of its first call, and the model has {theirs} in this one.",
                    "Make a new guide for data of another size. A guide whose plates keep their full size takes "
                    "mini-batches of any size by subsample=.",
                    name,
                )


def _differing(subject: Subject) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Sites whose events differ, with the guide's shape and the model's."""
    pairs = [(name, site, subject.model.nodes.get(name)) for name, site in subject.guide.iter_stochastic_nodes()]
    shapes = [
        (name, tuple(site.fn.event_shape), tuple(other.fn.event_shape))
        for name, site, other in pairs
        if other is not None and other.kind == "sample"
    ]
    return [each for each in shapes if each[1] != each[2]]


def _stale(name: str, site: Site) -> Iterator[Finding]:
    init = site.args[1] if len(site.args) > 1 else None
    if not callable(init) or isinstance(init, Tensor) or not isinstance(site.value, Tensor):
        return
    with dry_run(), torch.no_grad():
        made = init()
    present, wanted = tuple(site.value.shape), tuple(made.shape) if isinstance(made, Tensor) else ()
    if present != wanted:
        yield Finding(
            f"Parameter {name!r} is in the store with shape {present}, of earlier data or of another model; its "
            f"statement would now make it with shape {wanted}.",
            f"Forget it by del store[{name!r}], or all by clear_param_store(); or make it for all data at once and "
            "index it.",
            name,
            kind=ParamError,
        )
