"""Plates whose slots read one another's values, though no variable outside lies between: found by a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from virgil.infer.density.dry_run import untouched
from virgil.infer.density.execution import Call, Pair
from virgil.params import get_param_store
from virgil.poutine.frame import Frame
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["mixed_plates"]

_TRIES = 16  # draws of another value for a slot
_ROUNDING = 16  # units of rounding by which the log-probability of a slot that nothing has changed may differ

Runs = Callable[[Call], Sequence[Pair]]


def mixed_plates(call: Call, pair: Pair, runs: Runs) -> frozenset[str]:
    """The plates in which a density changes with the value that a scored variable has in another slot.

    Such are a sum over the slots, or attention among them. In two runs on the same noise all variables have the same
    values, but for the first slot of those in the plate.
    """
    scored = [site for site in pair.guide.nodes.values() if _is_drawn(site) and not site.fn.has_rsample]
    plates = {frame.name: frame for site in scored for frame in site.frames if _has_slots(frame)}
    if not plates:
        return frozenset()
    before, mixed = _replayed(call, pair, runs, {}), set()
    for name, frame in plates.items():
        with untouched():
            changed = {site.name: _changed(site, frame) for site in scored if frame in site.frames}
        if _differ(before, _replayed(call, pair, runs, changed), frame):
            mixed.add(name)
    return frozenset(mixed)


def _is_drawn(site: Site) -> bool:
    return site.is_latent and site.enumeration is None


def _has_slots(frame: Frame) -> bool:
    return frame.dim is not None and not frame.particle and frame.size > 1


def _replayed(call: Call, pair: Pair, runs: Runs, changed: Mapping[str, Tensor]) -> Pair:
    given = Trace()
    given.nodes = {
        name: site.with_value(changed.get(name, site.value))
        for name, site in pair.guide.nodes.items()
        if site.kind == "plate" or _is_drawn(site)
    }
    with untouched(), get_param_store().discarding(), Replay(given):
        (replayed,) = runs(call)
        for trace in (replayed.guide, replayed.model):
            trace.compute_log_prob()
    return replayed


def _changed(site: Site, frame: Frame) -> Tensor:
    """The value with another one in the first slot, if the distribution gives one in a few draws."""
    axis = (frame.dim or 0) - len(site.fn.event_shape)
    value: Tensor = site.value.clone()
    first = value.select(axis, 0)
    for _ in range(_TRIES):
        other = site.fn.sample().select(axis, 0)
        if not torch.equal(other, first):
            first.copy_(other)
            break
    return value


def _differ(before: Pair, after: Pair, frame: Frame) -> bool:
    """True if some log-probability in the plate has changed in another slot than the first."""
    sites = [
        (site.unscaled_log_prob, others.nodes[name].unscaled_log_prob)
        for trace, others in ((before.guide, after.guide), (before.model, after.model))
        for name, site in trace.nodes.items()
        if site.kind == "sample" and frame in site.frames and name in others.nodes
    ]
    dim, others_than_first = frame.dim or 0, slice(1, None)
    return any(_has_changed(*[each.movedim(dim, 0)[others_than_first] for each in both]) for both in sites)


def _has_changed(one: Tensor, other: Tensor) -> bool:
    rounding = _ROUNDING * torch.finfo(one.dtype).eps * one.abs().clamp(min=1)
    return bool(((one != other) & ~((one - other).abs() <= rounding)).any())
