"""Checks of two traces that old objectives make by hand. Those of :mod:`virgil.infer.checks` name more mistakes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from virgil.errors import ArgumentError, MismatchError, ShapeError
from virgil.poutine.site import Site
from virgil.poutine.subsample_sites import site_is_subsample
from virgil.poutine.trace import Trace

__all__ = [
    "check_if_enumerated",
    "check_model_guide_match",
    "check_site_shape",
    "check_traceenum_requirements",
    "check_traces_match",
]

Message = Site | Mapping[str, Any]


def check_site_shape(site: Message, max_plate_nesting: int) -> None:
    """Check that a site's log-density has the sizes of the plates around it, in the dims of plates.

    Args:
        site: a site whose log-density has been computed.
        max_plate_nesting: how many dims on the right are those of plates; the others are not looked at.

    Raises:
        ShapeError: a dim has another size than its plate, or has values and no plate.
    """
    actual = tuple(site["log_prob"].shape)
    actual = actual[max(len(actual) - max_plate_nesting, 0) :]
    plates = {frame.dim: frame for frame in site["cond_indep_stack"] if frame.vectorized}
    for dim, size in zip(range(-len(actual), 0), actual, strict=True):
        frame = plates.get(dim)
        if size in (1, None if frame is None else frame.size):
            continue
        expected = "no plate is there" if frame is None else f"the plate {frame.name!r} there has {frame.size}"
        raise ShapeError(
            f"At site {site['name']!r} the log-density has shape {actual}: {size} values at dim {dim}, and {expected}. "
            f"Enter a plate of {size} at dim={dim}, or call .to_event(...) of the distribution.",
            site=site["name"],
        )


def check_model_guide_match(model_trace: Trace, guide_trace: Trace, max_plate_nesting: float = math.inf) -> None:
    """Check that a model's and a guide's traces have the same latent variables, in the same shapes and plates.

    A variable that only one has is a warning, and so is a plate that only the guide has.

    Args:
        model_trace: of the model.
        guide_trace: of the guide.
        max_plate_nesting: how many batch dims on the right are those of plates; those left of them may differ.

    Raises:
        MismatchError: a variable has another shape in the guide than in the model.
        ArgumentError: a variable of the model alone is marked for sequential enumeration.
    """
    model = {site["name"]: site for site in _variables(model_trace) if not site["is_observed"]}
    guide = {site["name"]: site for site in _variables(guide_trace)}
    auxiliary = {name for name, site in guide.items() if site["infer"].get("is_auxiliary")}
    summed = {name for name in model.keys() - guide.keys() if _enumeration(model[name])}
    for name in sorted(summed):
        if _enumeration(model[name]) == "sequential":
            raise ArgumentError(f"Site {name!r} is not in the guide: mark it for 'parallel' enumeration.")
    _warn(guide.keys() - auxiliary - model.keys(), "are in the guide alone: mark them by infer={'is_auxiliary': True}")
    _warn(auxiliary & model.keys(), "are in the model, and marked as auxiliary in the guide: take the marks away")
    _warn(model.keys() - guide.keys() - summed, "are latent in the model and missing from the guide")
    for name in [each for each in model if each in guide]:
        _check_shapes(name, model[name], guide[name], max_plate_nesting)
    _warn(_plates(guide_trace) - _plates(model_trace), "are plates of the guide alone")


def check_traces_match(trace1: Trace, trace2: Trace) -> None:
    """Check that two traces have the same sample sites, with the same shapes. Other names are a warning.

    Raises:
        MismatchError: a site has another shape in the second trace than in the first.
    """
    first, second = ({site["name"]: site for site in _variables(trace)} for trace in (trace1, trace2))
    _warn(first.keys() ^ second.keys(), "are in one of the two traces alone")
    for name in [each for each in first if each in second]:
        shapes = [tuple(site["fn"].shape()) for site in (first[name], second[name])]
        if shapes[0] != shapes[1]:
            raise MismatchError(
                f"At site {name!r} the first trace has shape {shapes[0]} and the second {shapes[1]}; give it one shape."
            )


def check_if_enumerated(guide_trace: Trace) -> None:
    """Warn of variables that are marked for enumeration, where an objective sums none out."""
    marked = {site["name"] for site in _variables(guide_trace) if _enumeration(site)}
    _warn(marked, "are marked for enumeration, which TraceEnum_ELBO alone heeds")


def check_traceenum_requirements(model_trace: Trace, guide_trace: Trace) -> None:
    """Warn of a variable after an enumerated one whose plates it leaves: it may not depend on that one.

    Each slot of a plate has its own value of an enumerated variable, so that nothing outside of the plate can have one
    distribution given them all.
    """
    for trace in (model_trace, guide_trace):
        inside: dict[frozenset[str], str] = {}
        for site in _variables(trace):
            plates = frozenset(frame.name for frame in site["cond_indep_stack"] if frame.vectorized)
            left = next((name for others, name in inside.items() if not others <= plates), None)
            if left is not None:
                _warn({site["name"]}, f"are outside of a plate of {left!r}, which is enumerated, and stated after it")
            if _enumeration(site) == "parallel":
                inside.setdefault(plates, site["name"])


def _samples(site: Message) -> bool:
    return bool(site["type"] == "sample")


def _variables(trace: Trace) -> Iterator[Message]:
    return (site for site in trace.nodes.values() if _samples(site) and not site_is_subsample(site))


def _enumeration(site: Message) -> Any:
    return (site["infer"] or {}).get("enumerate")


def _plates(trace: Trace) -> set[str]:
    return {frame.name for site in trace.nodes.values() if _samples(site) for frame in site["cond_indep_stack"]}


def _check_shapes(name: str, model: Message, guide: Message, max_plate_nesting: float) -> None:
    events = [len(site["fn"].event_shape) for site in (model, guide)]
    if events[0] != events[1]:
        raise MismatchError(
            f"At site {name!r} the model has {events[0]} event dims and the guide {events[1]}; call .to_event(...)."
        )
    shapes = []
    for site in (model, guide):
        batch = tuple(site["fn"].batch_shape)
        kept = len(batch) if math.isinf(max_plate_nesting) else int(max_plate_nesting)
        shapes.append((*batch[max(len(batch) - kept, 0) :], *site["fn"].event_shape))
    if any(one != other for one, other in zip_longest(*map(reversed, shapes), fillvalue=1)):
        raise MismatchError(
            f"At site {name!r} the model has shape {shapes[0]} and the guide {shapes[1]}; give both the same plates."
        )


def _warn(names: set[str] | Any, words: str) -> None:
    if names:
        warnings.warn(f"Sites {', '.join(map(repr, sorted(names)))} {words}.", stacklevel=3)
