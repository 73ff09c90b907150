"""The plates along which each statement of a model reads one slot at most, found by trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call
from virgil.nn.call import isolated
from virgil.ops.random_state import set_rng_seed
from virgil.poutine.block import Block
from virgil.poutine.frame import Frame
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace, Tracer

__all__ = ["slot_reads"]

_STEP = 0.5  # by which an unconstrained value is changed
_ROUNDING = 16  # units of rounding by which a log-probability may differ though nothing that it reads has changed


def slot_reads(
    call: Call, prototype: Trace, latents: Sequence[Latent], reads: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """By sample statement, the plates around latent variables of which it reads one slot at most.

    A statement inside a plate reads its own slot if it reads one, as plates promise; a sum over the slots breaks this.
    A statement outside of it reads one in each of its entries, for instance by an index. Each trial changes the values
    in half of the slots, those whose number has a 1 at some place in base two, or a 0: whatever is computed from two
    slots changes with both halves at one of the places. So there are two trials for each place, and not one a slot, and
    plates that no statement reads together are tried together. A statement that cannot be tried, as the model fails at
    other values, is taken at the plates' word.

    Args:
        call: the model and its arguments.
        prototype: its first run.
        latents: its latent variables.
        reads: by statement, the latent variables that its density is computed from.
    """
    frames = {
        frame.name: frame for each in latents for frame in prototype.nodes[each.name].frames if frame.dim is not None
    }
    sites = {name: site for name, site in prototype.nodes.items() if site.kind == "sample"}
    inside = {name: frozenset(frame.name for frame in site.frames) for name, site in sites.items()}
    around = {latent.name: inside[latent.name] & frames.keys() for latent in latents}
    met = [inside[name].union(*(around[each] for each in reads.get(name, ()))) & frames.keys() for name in sites]
    found: dict[str, set[str]] = {name: set(frames) for name in sites}
    for group in _apart(frames, met):
        try:
            trials = list(_trials(call, prototype, latents, group))
        except Exception:  # of a program that runs, but not at other values
            trials = []
        for frame in group:
            for name in sites:
                is_inside = frame.name in inside[name]
                holds = all(_reads_one(name, is_inside, frame, trial) for trial in trials)
                if not (holds if trials else is_inside or frame.full_size == 1):
                    found[name].discard(frame.name)
    return {name: frozenset(plates) for name, plates in found.items()}


def _apart(frames: Mapping[str, Frame], met: Sequence[frozenset[str]]) -> list[list[Frame]]:
    """Groups of plates of which no two meet in a statement."""
    groups: list[list[Frame]] = []
    for name, frame in frames.items():
        beside = frozenset().union(*(each for each in met if name in each))
        group = next((each for each in groups if all(other.name not in beside for other in each)), None)
        if group is None:
            groups.append([frame])
        else:
            group.append(frame)
    return groups


class _Trial(NamedTuple):
    """Half of the slots by plate, and by statement what changes with them, and what changes with the others."""

    half: Mapping[str, Tensor]
    ones: Mapping[str, Tensor]
    zeros: Mapping[str, Tensor]


def _trials(call: Call, prototype: Trace, latents: Sequence[Latent], frames: Sequence[Frame]) -> Iterator[_Trial]:
    """A trial for each place in base two."""
    sites = prototype.nodes

    def terms(slots: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        changed = {}
        for latent in latents:
            for frame in frames:
                if any(each.name == frame.name for each in latent.frames):
                    changed[latent.name] = _moved(sites[latent.name].value, latent, frame, slots[frame.name])
        return _terms(call, prototype, changed)

    numbers = {frame.name: torch.arange(frame.size) for frame in frames}
    before = terms({name: number < 0 for name, number in numbers.items()})
    for place in range(max((frame.size - 1).bit_length() for frame in frames)):
        half = {name: number.bitwise_right_shift(place).bitwise_and(1).bool() for name, number in numbers.items()}
        ones, zeros = terms(half), terms({name: ~each for name, each in half.items()})
        yield _Trial(half, _changes(before, ones), _changes(before, zeros))


def _moved(value: Tensor, latent: Latent, frame: Frame, slots: Tensor) -> Tensor:
    """A value with another one in these slots."""
    shape = [1] * value.dim()
    shape[(frame.dim or 0) - len(latent.event_shape)] = len(slots)
    other = latent.bijection(latent.bijection.inverse(value) + _STEP)
    return torch.where(slots.reshape(shape).to(value.device), other, value)


def _terms(call: Call, prototype: Trace, changed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The log-probabilities of all statements, where some latent variables have other values than in the first run."""
    given, tracer = Trace(), Tracer()
    given.nodes = {
        name: site.with_value(changed.get(name, site.value))
        for name, site in prototype.nodes.items()
        if site.kind == "plate" or site.is_latent
    }
    with dry_run(), unchecked(), torch.no_grad(), Block(lambda site: True), isolated(), Replay(given):
        set_rng_seed(0)
        tracer.run(call.model, call.args, call.kwargs)
        return {name: site.term for name, site in tracer.trace.nodes.items() if site.kind == "sample"}


def _changes(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By statement, the entries of its log-probability that differ."""
    return {name: _differ(each, after[name]) for name, each in before.items()}


def _differ(one: Tensor, other: Tensor) -> Tensor:
    rounding = _ROUNDING * torch.finfo(one.dtype).eps * one.abs().clamp(min=1)
    same = ((one - other).abs() <= rounding) | (one == other) | (one.isnan() & other.isnan())
    return ~same


def _reads_one(name: str, is_inside: bool, frame: Frame, trial: _Trial) -> bool:
    ones, zeros, half = trial.ones[name], trial.zeros[name], trial.half[frame.name]
    if not is_inside:
        return not bool((ones & zeros).any())
    along = [1] * ones.dim()
    along[frame.dim or 0] = len(half)
    mine = half.reshape(along).to(ones.device)
    return not bool((ones & ~mine).any()) and not bool((zeros & mine).any())
