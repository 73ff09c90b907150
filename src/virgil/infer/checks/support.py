"""Check that values lie in the support of their distributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from virgil.errors import ShapeError, SupportError
from virgil.infer.checks.containment import family_name, is_unchecked
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.outside_support import reason
from virgil.ops.broadcast import broadcasts_to
from virgil.params.constraint import Constraint
from virgil.poutine.site import Site

__all__ = ["data_problem", "support_problem", "support_problems", "under_some_value"]

Reduction = Callable[..., Tensor]
_DATA_CURE = "Correct the data, choose a distribution whose support contains it, or mask what is missing."


def support_problems(subject: Subject) -> Iterator[Finding]:
    """Values that count, latent or observed, outside the support of the distribution at their site."""
    for role, site in subject.sites():
        stated = subject.guide.nodes.get(site.name)
        yield from _outside(site, role, stated if stated is not site else None)


def support_problem(site: Site, role: str) -> str | None:
    """The message about a site's value that lies outside its support; ``None`` for a value inside."""
    return next((problem.message for problem in _outside(site, role)), None)


def _outside(site: Site, role: str, drawn: Site | None = None) -> Iterator[Finding]:
    """A value need be possible only under some value of the enumerated variables that the distribution depends on.

    Args:
        site: where the value stands.
        role: of its program.
        drawn: where the guide has drawn it, if it has.
    """
    if site.mask is False or not isinstance(site.value, Tensor) or is_unchecked(site.fn):
        return
    try:
        support = site.fn.support
        inside = support.check(site.value)
    except (NotImplementedError, AttributeError, ValueError):  # a distribution whose support is not known to torch
        return
    except RuntimeError as error:
        yield Finding(
            f"At site {site.name!r} of the {role}, the value of shape {tuple(site.value.shape)} does not broadcast "
            f"with the distribution's batch shape {tuple(site.fn.batch_shape)} and event shape "
            f"{tuple(site.fn.event_shape)}: {error}",
            site=site.name,
            kind=ShapeError,
        )
        return
    if isinstance(site.mask, Tensor):
        if not broadcasts_to(site.mask.shape, inside.shape, widening=True):
            cause = (
                f"At site {site.name!r}, the mask has shape {tuple(site.mask.shape)}, but the log-probability has "
                f"shape {tuple(inside.shape)}."
            )
            yield Finding(cause, "Give the mask a shape that broadcasts to that.", site.name, kind=ShapeError)
            return
        inside = inside | ~site.mask
    possible = under_some_value(site, inside, Tensor.any)
    if not bool(possible.all()):
        everywhere = " under every value of the enumerated variables" if possible is not inside else ""
        yield _described(site, role, _of_plates(site, possible), everywhere, drawn)


def data_problem(name: str, family: str, support: Constraint, data: Tensor, what: str) -> Finding | None:
    """The finding about data that a site observes, of which some lie outside a support; ``None`` where none do.

    Args:
        name: of the site.
        family: of its distribution.
        support: the set of its values.
        data: as many as there are at once.
        what: they are, in words.
    """
    inside = support.check(data)
    if bool(inside.all()):
        return None
    index = tuple((~inside).nonzero()[0].tolist())
    cause = (
        f"At site {name!r} of the model, {what} lies outside the support of {family}: {int((~inside).sum())} of "
        f"{inside.numel()} do, such as {_shown(data[index])} at index {index}. The support is {support}."
    )
    return Finding(cause, _DATA_CURE, name, kind=SupportError)


def under_some_value(site: Site, table: Tensor, best: Reduction) -> Tensor:
    """A tensor over the batch, reduced over the enumerated variables that the site depends on, itself aside."""
    dims = range(-table.dim(), 0)
    others = [dim for dim in dims if table.shape[dim] > 1 and site.variables.get(dim, site.name) != site.name]
    return best(table, others, keepdim=True) if others else table


def _of_plates(site: Site, table: Tensor) -> Tensor:
    """The table without dims of size one on the left that the value lacks."""
    dims = max(site.value.dim() - len(site.fn.event_shape), 0)
    while table.dim() > dims and table.shape[0] == 1:
        table = table[0]
    return table


def _described(site: Site, role: str, inside: Tensor, everywhere: str, drawn: Site | None) -> Finding:
    wrong = int((~inside).sum())
    index = tuple((~inside).nonzero()[0].tolist())
    value = site.value.detach()
    example = (
        value[index]
        if value.dim() >= len(index) and all(i < n for i, n in zip(index, value.shape, strict=False))
        else value
    )
    why = reason(example, site.fn.support) if example.shape == site.fn.event_shape else ""
    shown = f"{_shown(example)}{f' at index {index}' if index else ''}{f' ({why})' if why else ''}"
    if inside.numel() > 1:
        shown = f"{wrong} of {inside.numel()} do, such as {shown}"
    if site.observed:
        origin = "the observed value"
        cure = _DATA_CURE
    else:
        by = "the guide" if drawn is None else f"the guide's {family_name(drawn.fn)}"
        origin = "the value" if role == "guide" else f"the value, drawn by {by},"
        cure = "Use a guide distribution with the model's support, or transform the value."
    support = "" if everywhere else f" The support is {site.fn.support}."
    cause = (
        f"At site {site.name!r} of the {role}, {origin} lies outside the support of {type(site.fn).__name__}"
        f"{everywhere}: {shown}.{support}"
    )
    return Finding(cause, cure, site.name, kind=SupportError)


def _shown(example: Tensor) -> str:
    if example.numel() == 1:
        return f"{example.item():g}"
    entries = ", ".join(f"{each:.4g}" for each in example.flatten()[:4].tolist())
    return f"[{entries}{', ...' if example.numel() > 4 else ''}]"
