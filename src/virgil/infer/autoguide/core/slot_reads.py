"""The plates along which each statement of a model reads one slot at most, found by trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.density.dry_run import dry_run
from virgil.nn.call import isolated
from virgil.ops.random_state import set_rng_seed
from virgil.poutine.block import Block
from virgil.poutine.frame import Frame
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace, Tracer

__all__ = ["slot_reads"]

_STEP = 0.5  # by which an unconstrained value is changed
_ROUNDING = 16  # units of rounding by which a log-probability may differ though nothing that it reads has changed

Terms = Mapping[str, Tensor]


def slot_reads(
    model: Callable[..., Any],
    prototype: Trace,
    latents: Sequence[Latent],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> dict[str, frozenset[str]]:
    """By sample statement, the plates around latent variables of which it reads one slot at most.

    A statement inside a plate reads its own slot if it reads one, as plates promise; a sum over the slots breaks this.
    A statement outside of it reads one in each of its entries, for instance by an index. Each trial changes the values
    in half of the slots, those whose number has a 1 at some place in base two, or a 0: whatever is computed from two
    slots changes with both halves at one of the places. So there are two trials for each place, and not one a slot. A
    statement that cannot be tried, as the model fails at other values, is taken at the plates' word.

    Args:
        model: the generative program.
        prototype: its first run.
        latents: its latent variables.
        args: its arguments.
        kwargs: its keyword arguments.
    """
    frames = {
        frame.name: frame for each in latents for frame in prototype.nodes[each.name].frames if frame.dim is not None
    }
    sites = {name: site for name, site in prototype.nodes.items() if site.kind == "sample"}
    inside = {name: frozenset(frame.name for frame in site.frames) for name, site in sites.items()}
    found: dict[str, set[str]] = {name: set(frames) for name in sites}
    for plate, frame in frames.items():
        concerned = [latent for latent in latents if any(each.name == plate for each in latent.frames)]
        try:
            trials = list(_trials(model, prototype, concerned, frame, args, kwargs))
        except Exception:  # of a program that runs, but not at other values
            trials = []
        for name in sites:
            if not trials:
                holds = plate in inside[name] or frame.full_size == 1
            else:
                holds = all(_reads_one(name, plate in inside[name], frame, *trial) for trial in trials)
            if not holds:
                found[name].discard(plate)
    return {name: frozenset(plates) for name, plates in found.items()}


def _trials(
    model: Callable[..., Any],
    prototype: Trace,
    latents: Sequence[Latent],
    frame: Frame,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Iterator[tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]]:
    """Half of the slots, what changes with them, and what changes with the others, for each place in base two."""

    def terms(slots: Tensor) -> Terms:
        changed = {latent.name: _moved(prototype.nodes[latent.name].value, latent, frame, slots) for latent in latents}
        return _terms(model, prototype, changed, args, kwargs)

    number = torch.arange(frame.size)
    before = terms(number < 0)
    for place in range((frame.size - 1).bit_length()):
        half = number.bitwise_right_shift(place).bitwise_and(1).bool()
        yield half, _changes(before, terms(half)), _changes(before, terms(~half))


def _moved(value: Tensor, latent: Latent, frame: Frame, slots: Tensor) -> Tensor:
    """A value with another one in these slots."""
    shape = [1] * value.dim()
    shape[(frame.dim or 0) - len(latent.event_shape)] = len(slots)
    other = latent.bijection(latent.bijection.inverse(value) + _STEP)
    return torch.where(slots.reshape(shape).to(value.device), other, value)


def _terms(
    model: Callable[..., Any],
    prototype: Trace,
    changed: Mapping[str, Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Terms:
    given, tracer = Trace(), Tracer()
    given.nodes = {
        name: site.with_value(changed.get(name, site.value))
        for name, site in prototype.nodes.items()
        if site.kind == "plate" or site.is_latent
    }
    with dry_run(), unchecked(), torch.no_grad(), Block(lambda site: True), isolated(), Replay(given):
        set_rng_seed(0)
        tracer.run(model, args, kwargs)
        return {name: site.term for name, site in tracer.trace.nodes.items() if site.kind == "sample"}


def _changes(before: Terms, after: Terms) -> dict[str, Tensor]:
    """By statement, the entries of its log-probability that differ."""
    return {name: _differ(each, after[name]) for name, each in before.items()}


def _differ(one: Tensor, other: Tensor) -> Tensor:
    rounding = _ROUNDING * torch.finfo(one.dtype).eps * one.abs().clamp(min=1)
    same = ((one - other).abs() <= rounding) | (one == other) | (one.isnan() & other.isnan())
    return ~same


def _reads_one(
    name: str, is_inside: bool, frame: Frame, half: Tensor, ones: Mapping[str, Tensor], zeros: Mapping[str, Tensor]
) -> bool:
    if not is_inside:
        return not bool((ones[name] & zeros[name]).any())
    along = [1] * ones[name].dim()
    along[frame.dim or 0] = len(half)
    mine = half.reshape(along).to(ones[name].device)
    return not bool((ones[name] & ~mine).any()) and not bool((zeros[name] & mine).any())
