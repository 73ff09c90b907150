"""The check that a program has the same log-probabilities with all values of a variable at once and with one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from virgil.errors import ShapeError
from virgil.infer.density.chain_check import agree, check_steps, check_tables, unlike_its_steps
from virgil.infer.density.chains import by_step, in_one, step_names
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.ops.random_state import preserved_rng
from virgil.poutine.enumeration import draws, enumerated_dim
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.poutine.vectorized_markov import StepByStep

__all__ = ["check_agreement", "check_blocks"]


def check_agreement(call: Call, drawn: Pair, enumerated: Pair, enumerate_from: int) -> None:
    """Compare, site by site, an enumerated execution at the values of a drawn one with that one itself.

    Steps of a chain that are stated at once are compared with each of them alone, at all values too. A program that is
    random besides its sites gives two answers to the same values, and is left alone.

    Args:
        call: the programs.
        drawn: an execution with one value at each site.
        enumerated: one with all values at marked sites.
        enumerate_from: the first dim for these.

    Raises:
        ShapeError: a site's log-probability differs.
    """
    pairs = ((drawn.guide, enumerated.guide), (drawn.model, enumerated.model))
    marked = {
        each
        for _, trace in pairs
        for site in trace.nodes.values()
        if enumerated_dim(site) is not None
        for each in step_names(site)
    }
    if not marked:
        return
    check_steps(drawn.model, enumerated.model)
    values = {name: site for trace in (drawn.model, drawn.guide) for name, site in trace.nodes.items() if _given(site)}
    rest = {name: site for name, site in values.items() if name not in marked}
    with preserved_rng():
        joint = _replayed(call, rest, enumerate_from)
    for name, site in joint.guide.nodes.items():
        if draws(site) is not None and name in values:
            first, _ = _at_values(site.value, len(site.fn.event_shape), site, joint, values)
            values[name] = site.replace(value=first.reshape(values[name].value.shape))
    single, again = _replayed(call, values), _replayed(call, values)
    if blocks := _blocks(joint.model, values):
        stepwise = _replayed(replace(call, model=StepByStep()(call.model)), rest, enumerate_from).model
        values = {**values, **blocks}
    for ours, one, other in ((joint.guide, single.guide, again.guide), (joint.model, single.model, again.model)):
        for site in ours.nodes.values():
            names = step_names(site)
            if site.kind != "sample" or any(name not in one or name not in other for name in names):
                continue
            expected = in_one([one.nodes[name].extended_log_prob() for name in names], site, 0)
            if agree(expected, in_one([other.nodes[name].extended_log_prob() for name in names], site, 0)):
                if site.block is not None:
                    check_tables(site, site.block, [stepwise.nodes[name] for name in names], ours.nodes)
                _compare(site, expected, joint, values)


def check_blocks(call: Call, enumerated: Pair, enumerate_from: int) -> None:
    """The comparison of :func:`check_agreement` for an execution that states steps of a chain at once, if it does."""
    if any(site.block is not None for site in enumerated.model.nodes.values()):
        check_agreement(call, run_pair(call), enumerated, enumerate_from)


def _blocks(model: Trace, values: dict[str, Site]) -> dict[str, Site]:
    """The values of sites that state several steps, by name, from those of the steps."""
    found = {}
    for name, site in model.nodes.items():
        steps = step_names(site)
        if site.block is not None and enumerated_dim(site) is not None and all(each in values for each in steps):
            value = in_one([values[each].value for each in steps], site, len(site.fn.event_shape))
            found[name] = site.replace(value=value)
    return found


def _given(site: Site) -> bool:
    return site.is_latent or site.kind == "plate"


def _replayed(call: Call, values: dict[str, Site], enumerate_from: int | None = None) -> Pair:
    trace = Trace()
    trace.nodes = values
    replay = Replay(trace)
    return run_pair(Call(replay(call.model), replay(call.guide), call.args, call.kwargs), None, enumerate_from)


def _compare(site: Site, expected: Tensor, joint: Pair, values: dict[str, Site]) -> None:
    log_prob, names = _at_values(site.extended_log_prob(), 0, site, joint, values)
    if not agree(log_prob, expected):
        seen = [*names, *(name for name in site.variables.values() if name not in names)]
        if site.block is not None:
            raise unlike_its_steps(site, _first_unlike(site, log_prob, expected))
        raise ShapeError(
            f"At site {site.name!r}, the log-probability with all values of {', '.join(map(repr, seen))} at once is "
            "not that with one value at a time. Enumerated values lie along a batch dim of their own, left of all "
            "plates: reduce a value over a plate's or an event's dim only, as in z.sum(-1) and not z.sum() or "
            "z.mean(), and index tables with values alone, as in table[a, b].",
            site=site.name,
        )


def _first_unlike(site: Site, log_prob: Tensor, expected: Tensor) -> str:
    """The first of a block's steps whose log-probability differs."""
    parts = zip(by_step(site, log_prob, 0), by_step(site, expected, 0), strict=True)
    return next((name for (name, mine), (_, theirs) in parts if not agree(mine, theirs)), site.name)


def _at_values(table: Tensor, event: int, site: Site, joint: Pair, values: dict[str, Site]) -> tuple[Tensor, list[str]]:
    """A tensor over a site's batch, and ``event`` dims more, at the values of its variables, and their names.

    Of a variable that has draws the first is taken.
    """
    plates = {frame.dim for frame in site.frames}
    names = []
    for dim, name in site.variables.items():
        place = dim - event
        if dim not in plates and name in values and table.dim() >= -place and table.shape[place] > 1:
            owner = joint.model.nodes.get(name) or joint.guide.nodes[name]
            if name in joint.guide and draws(joint.guide.nodes[name]) is not None:
                table = table.narrow(place, 0, 1)
            else:
                numbers = _numbers(owner, values[name].value, table.dim() - event)
                table = torch.take_along_dim(table, numbers.reshape(numbers.shape + (1,) * event), place)
            names.append(name)
    return table, names


def _numbers(owner: Site, value: Tensor, dims: int) -> Tensor:
    """The number of the value that a variable has in each slot. Shape: ``(1, ..., 1, *plates)``, ``dims`` in all."""
    event = tuple(owner.fn.event_shape)
    support = owner.value.reshape(-1, *event)
    batch = value.shape[: value.dim() - len(event)]
    support = support.reshape(len(support), *(1,) * len(batch), *event)
    equal = (support == value).reshape(len(support), *batch, -1).all(-1)
    numbers: Tensor = equal.long().argmax(0)
    return numbers.reshape((1,) * (dims - numbers.dim()) + tuple(numbers.shape))
