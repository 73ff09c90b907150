"""Whether every batch dim belongs to a plate, and whether the two distributions at a site have the same event."""

from __future__ import annotations

from collections.abc import Callable

from torch import Size, Tensor, broadcast_shapes

from virgil.errors import ShapeError
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["check_events", "check_shapes"]


def check_events(guide: Trace, model: Trace) -> None:
    """Check that both programs give a site the same event, and that every value broadcasts with its distribution.

    Raises:
        ShapeError: with the table of shapes of the program at fault.
    """
    for name, site in guide.nodes.items():
        other = model.nodes.get(name)
        if site.kind == "sample" and other is not None and other.kind == "sample":
            _raise(_event_problem(name, site, other), name, "model", model)
    _check_each(_value_problem, guide, model)


def check_shapes(guide: Trace, model: Trace) -> None:
    """Check that every batch dim, mask and scale of both programs belongs to a plate.

    Raises:
        ShapeError: with the table of shapes of the program at fault.
    """
    _check_each(_batch_problem, guide, model)
    _check_each(_weight_problem, guide, model)


def _check_each(problem: Callable[[str, Site, Trace], str | None], guide: Trace, model: Trace) -> None:
    for role, trace in (("guide", guide), ("model", model)):
        for name, site in trace.nodes.items():
            if site.kind == "sample":
                _raise(problem(name, site, trace), name, role, trace)


def _raise(problem: str | None, name: str, role: str, trace: Trace) -> None:
    if problem is not None:
        raise ShapeError(f"{problem}\n\n{trace.format_shapes(f'Shapes in the {role}:')}", site=name)


def _value_problem(name: str, site: Site, trace: Trace) -> str | None:
    if site.mask is False or not isinstance(site.value, Tensor):
        return None
    batch, event, shape = site.fn.batch_shape, site.fn.event_shape, site.value.shape
    fits = shape[len(shape) - len(event) :] == event
    if fits and _broadcasts_to(shape[: len(shape) - len(event)], batch, widening=True):
        return None
    whose = "the observed value" if site.observed else "the value, drawn by the guide,"
    return (
        f"At site {name!r}, {whose} has shape {tuple(shape)}, which does not broadcast with the distribution's batch "
        f"shape {tuple(batch)} and event shape {tuple(event)}. Give it a shape that ends in {tuple(batch + event)}."
    )


def _batch_problem(name: str, site: Site, trace: Trace) -> str | None:
    plates = {frame.dim: frame for frame in site.frames if frame.dim is not None}
    shape = site.unscaled_log_prob.shape
    batch_shape = site.fn.batch_shape
    for dim in range(-len(shape), 0):
        frame = plates.get(dim)
        if frame is None and shape[dim] != 1 and dim not in site.variables:
            if len(batch_shape) >= -dim and batch_shape[dim] == shape[dim]:
                came = f"the distribution has size {shape[dim]} at batch dim {dim}, batch shape {tuple(batch_shape)}"
            else:
                came = (
                    f"the value of shape {tuple(site.value.shape)} against batch shape {tuple(batch_shape)} and "
                    f"event shape {tuple(site.fn.event_shape)} gives a log-probability of shape {tuple(shape)}, with "
                    f"size {shape[dim]} at dim {dim}"
                )
            return (
                f"At site {name!r}, {came}, and no plate is there. Put the statement in a plate of that size, or "
                "declare the dim part of the event with .to_event(n); if a value has a dim too many, squeeze it."
                + _beyond(dim, site, trace)
            )
        if frame is not None and shape[dim] != frame.size:
            return (
                f"At site {name!r}, the log-probability has shape {tuple(shape)}, size {shape[dim]} at dim {dim}, "
                f"where plate {frame.name!r} has size {frame.size}. Make the value's shape {tuple(site.value.shape)} "
                "fit the plate."
            )
    return None


def _beyond(dim: int, site: Site, trace: Trace) -> str:
    """What to say of a dim that holds a variable out of the site's sight."""
    owner = None
    for name, other in trace.nodes.items():
        if other is site:
            break
        if enumerated_dim(other) == dim:
            owner = name
    if owner is None:
        return ""
    return (
        f" The dim holds the values of {owner!r}, enumerated in a step of a markov chain, or "
        "a round of an iterated plate, that this site is declared not to depend on. If it does, give markov a larger "
        "history= (or keep=True for branches), or write range(n) in place of the plate's loop."
    )


def _weight_problem(name: str, site: Site, trace: Trace) -> str | None:
    shape = site.unscaled_log_prob.shape
    for what, tensor in (("mask", site.mask), ("scale", site.scale)):
        if isinstance(tensor, Tensor) and not _broadcasts_to(tensor.shape, shape):
            return (
                f"At site {name!r}, the {what} has shape {tuple(tensor.shape)}, but the log-probability has shape "
                f"{tuple(shape)}. Give the {what} a shape that broadcasts to that, or put the statement in a plate of "
                f"the {what}'s size."
            )
    return None


def _broadcasts_to(shape: Size, target: Size, widening: bool = False) -> bool:
    """Whether ``shape`` broadcasts to ``target``, or with it where the target may be widened too."""
    try:
        common = broadcast_shapes(shape, target)
        return widening or bool(common == target)
    except RuntimeError:
        return False


def _event_problem(name: str, site: Site, other: Site) -> str | None:
    ours, theirs = tuple(site.fn.event_shape), tuple(other.fn.event_shape)
    if ours == theirs:
        return None
    cure = (
        f"Call .to_event({len(theirs)}) on the guide's distribution before the plates' dims, or change the model's."
        if len(ours) != len(theirs)
        else "Give both the same event shape."
    )
    return f"At site {name!r}, the guide's distribution has event shape {ours} and the model's has {theirs}. {cure}"
