"""Data drawn from a model, in the place of those that it was fitted to."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.run.origin import Origin
from virgil.infer.run.source import Batch
from virgil.infer.trust.draws import is_point
from virgil.poutine.condition import Uncondition
from virgil.poutine.site import Site
from virgil.poutine.trace import trace

__all__ = ["check_simulable", "simulated"]


def check_simulable(at: Joint, origin: Origin) -> None:
    """Refuse a model whose data cannot be drawn and put in the place of those given.

    Raises:
        ArgumentError: they cannot.
    """
    pair = at.single
    points = [name for name, site in pair.guide.nodes.items() if site.is_latent and is_point(site)]
    if points and not any(site.infer.get("is_auxiliary") for site in pair.guide.nodes.values()):
        raise ArgumentError(f"check() got calibration= for a guide that is a point at {points[0]!r}: it has no draws.")
    for name, site in pair.model.nodes.items():
        if site.kind == "sample" and site.observed:
            if site.is_factor or site.latent_slots is not None:
                raise ArgumentError(f"check() got calibration=, but site {name!r}, a factor, cannot be simulated.")
            if _place(site, origin.batch) is None:
                raise ArgumentError(
                    f"check() got calibration=, but the data of site {name!r} are no argument of the model, so that "
                    "simulated data cannot take their place. Write the model as a function of its data."
                )


def _leaves(batch: Batch) -> dict[tuple[str | int, ...], Tensor]:
    """The tensors among arguments, by where they are; those inside of lists and dicts too."""
    found: dict[tuple[str | int, ...], Tensor] = {}

    def look(value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, Tensor):
            found[path] = value
        elif isinstance(value, (tuple, list)):
            for place, each in enumerate(value):
                look(each, (*path, place))
        elif isinstance(value, dict):
            for key, each in value.items():
                look(each, (*path, key))

    look(batch.args, ("args",))
    look(batch.kwargs, ("kwargs",))
    return found


def _place(site: Site, batch: Batch) -> tuple[str | int, ...] | None:
    """The place of the argument that holds the data of a site."""
    value = site.value
    leaves = _leaves(batch)
    same = [path for path, leaf in leaves.items() if leaf is value]
    same = same or [path for path, leaf in leaves.items() if leaf.shape == value.shape and torch.equal(leaf, value)]
    return same[0] if len(same) == 1 else None


def _replaced(value: Any, path: tuple[str | int, ...], by: Tensor) -> Any:
    if not path:
        return by
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, first: _replaced(value[first], rest, by)}
    items = [_replaced(each, rest, by) if place == first else each for place, each in enumerate(value)]
    return type(value)(items)


def simulated(origin: Origin, at: Joint) -> tuple[dict[str, Tensor], Batch]:
    """Latent values and arguments with data that were drawn with them from the model."""
    batch = origin.batch
    with torch.no_grad(), at.whole_plates():
        drawn = trace(Uncondition()(origin.problem.model)).get_trace(*batch.args, **batch.kwargs)
    given: dict[str, Any] = {"args": batch.args, "kwargs": batch.kwargs}
    truth = {}
    for name, site in drawn.nodes.items():
        if site.is_latent and site.infer.get("was_observed"):
            place = _place(at.single.model.nodes[name], batch)
            if place is not None:
                given = _replaced(given, place, site.value.to(at.single.model.nodes[name].value.dtype))
        elif site.is_latent and name in at.single.guide:
            truth[name] = site.value
    return truth, Batch(given["args"], given["kwargs"])
