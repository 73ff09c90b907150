"""Check that every batch dim belongs to a plate, and that both distributions of a site have the same event shape."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Size, Tensor

from virgil.distributions.core.validation import unchecked
from virgil.errors import ShapeError
from virgil.infer.checks.finding import Finding, Subject
from virgil.ops.broadcast import broadcasts_to
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.poutine.undeclared import undeclared_dims

__all__ = ["batch_problems", "event_problems", "shape_problem", "undeclared_problems"]


def event_problems(subject: Subject) -> Iterator[Finding]:
    """Sites with another event in the guide than in the model, and values that do not broadcast."""
    for name, site in subject.guide.nodes.items():
        other = subject.model.nodes.get(name)
        if site.kind == "sample" and other is not None and other.kind == "sample":
            yield from _event_problems(site, other, subject)
    for role, site in subject.sites():
        if not _value_fits(site):
            batch, event = tuple(site.fn.batch_shape), tuple(site.fn.event_shape)
            whose = "the observed value" if site.observed else "the value, drawn by the guide,"
            came = (
                f"{whose} has shape {tuple(site.value.shape)}, which does not broadcast with the distribution's batch "
                f"shape {batch} and event shape {event}."
            )
            yield shape_problem(subject, role, site, came, f"Give it a shape that ends in {batch + event}.")


def batch_problems(subject: Subject) -> Iterator[Finding]:
    """Batch dims, masks and scales that belong to no plate."""
    for role, site in subject.sites():
        shape = _log_prob_shape(site)
        if shape is not None:
            yield from _dim_problems(subject, role, site, shape)
            yield from _weight_problems(subject, role, site, shape)


def undeclared_problems(subject: Subject) -> Iterator[Finding]:
    """Batch dims that count as a part of the event."""
    for role, site in subject.sites():
        if role == "model" or site.name not in subject.model:
            for dim, size in _undeclared(site).items():
                yield Finding(
                    f"At site {site.name!r}, the distribution has size {size} at batch dim {dim}, "
                    f"right of plate {_leftmost(site)!r}, and no plate is there: its entries are summed, as those of "
                    "an event.",
                    f"Say so by .to_event({-dim}), or, if they are independent, put the statement in a plate of that "
                    "size.",
                    site.name,
                    severity="note",
                )


def _leftmost(site: Site) -> str:
    """The plate that lies leftmost."""
    frames = [frame for frame in site.frames if frame.dim is not None and not frame.particle]
    return min(frames, key=lambda frame: frame.dim or 0).name


def shape_problem(subject: Subject, role: str, site: Site, came: str, cure: str) -> Finding:
    """A problem of shapes at a site, with the table of the program's shapes."""
    trace = subject.guide if role == "guide" else subject.model
    table = trace.format_shapes(f"Shapes in the {role}:")
    return Finding(f"At site {site.name!r}, {came}", cure, site.name, kind=ShapeError, details=table)


def _log_prob_shape(site: Site) -> Size | None:
    """``None`` where there is no log-probability, for a reason that is found by itself."""
    try:
        with unchecked():  # values have a check of their own
            return site.unscaled_log_prob.shape
    except (IndexError, RuntimeError, ValueError):
        return None


def _value_fits(site: Site) -> bool:
    if site.mask is False or not isinstance(site.value, Tensor):
        return True
    batch, event, shape = site.fn.batch_shape, site.fn.event_shape, site.value.shape
    split = len(shape) - len(event)
    return bool(shape[split:] == event) and broadcasts_to(shape[:split], batch, widening=True)


def _dim_problems(subject: Subject, role: str, site: Site, shape: Size) -> Iterator[Finding]:
    plates = {frame.dim: frame for frame in site.frames if frame.dim is not None}
    is_exact = site.enumeration is not None and site.enumeration.draws is None
    own = {} if is_exact else _undeclared(site)
    for dim in range(-len(shape), 0):
        frame = plates.get(dim)
        if dim in own:
            continue
        if frame is None and shape[dim] != 1 and dim not in site.variables:
            came = f"{_dim_without_plate(site, shape, dim)}, and no plate is there."
            cure = (
                "Put the statement in a plate of that size, or declare the dim part of the event with .to_event(n); "
                "if a value has a dim too many, squeeze it."
            ) + _beyond(dim, site, subject.guide if role == "guide" else subject.model)
            yield shape_problem(subject, role, site, came, cure)
            return
        if frame is not None and shape[dim] != frame.size:
            came = (
                f"the log-probability has shape {tuple(shape)}, size {shape[dim]} at dim {dim}, "
                f"where plate {frame.name!r} has size {frame.size}."
            )
            cure = f"Make the value's shape {tuple(site.value.shape)} fit the plate."
            yield shape_problem(subject, role, site, came, cure)
            return


def _dim_without_plate(site: Site, shape: Size, dim: int) -> str:
    batch_shape = site.fn.batch_shape
    if len(batch_shape) >= -dim and batch_shape[dim] == shape[dim]:
        return f"the distribution has size {shape[dim]} at batch dim {dim}, batch shape {tuple(batch_shape)}"
    return (
        f"the value of shape {tuple(site.value.shape)} against batch shape {tuple(batch_shape)} and "
        f"event shape {tuple(site.fn.event_shape)} gives a log-probability of shape {tuple(shape)}, with "
        f"size {shape[dim]} at dim {dim}"
    )


def _beyond(dim: int, site: Site, trace: Trace) -> str:
    """A sentence for a dim that holds a variable out of the site's sight."""
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


def _weight_problems(subject: Subject, role: str, site: Site, shape: Size) -> Iterator[Finding]:
    for what, tensor in (("mask", site.mask), ("scale", site.scale)):
        if isinstance(tensor, Tensor) and not broadcasts_to(tensor.shape, shape):
            came = f"the {what} has shape {tuple(tensor.shape)}, but the log-probability has shape {tuple(shape)}."
            cure = f"Give the {what} a shape that broadcasts to that, or put the statement in a plate of the {what}'s"
            yield shape_problem(subject, role, site, came, f"{cure} size.")


def _event_problems(site: Site, other: Site, subject: Subject) -> Iterator[Finding]:
    ours, theirs = tuple(site.fn.event_shape), tuple(other.fn.event_shape)
    if ours != theirs:
        cure = (
            f"Call .to_event({len(theirs)}) on the guide's distribution before the plates' dims, or change the model's."
            if len(ours) != len(theirs)
            else "Give both the same event shape."
        )
        came = f"the guide's distribution has event shape {ours} and the model's has {theirs}."
        yield shape_problem(subject, "model", site, came, cure)
    mine, its = _undeclared(site), _undeclared(other)
    dim = next((dim for dim in sorted({*mine, *its}) if mine.get(dim) != its.get(dim)), None)
    if dim is not None and other.is_latent and ours == theirs:
        shapes = f"{tuple(site.fn.batch_shape)} and the model's has {tuple(other.fn.batch_shape)}"
        came = f"the guide's distribution has batch shape {shapes}, another size at dim {dim}, where no plate is."
        cure = "Give both the same size there; better, declare the dim in both, by .to_event(n) or by a plate."
        yield shape_problem(subject, "model", site, came, cure)


def _undeclared(site: Site) -> dict[int, int]:
    """The sizes of batch dims that count as a part of the event."""
    shape = site.fn.batch_shape
    return {dim: shape[dim] for dim in undeclared_dims(site, shape)}
