"""Whether values lie in the support of their distributions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from virgil.errors import ShapeError, SupportError
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["check_supports", "support_problem", "under_some_value"]

Reduction = Callable[..., Tensor]


def check_supports(guide: Trace, model: Trace) -> None:
    """Check every value that counts, latent or observed, against the distribution at its site.

    Raises:
        SupportError: a value lies outside.
    """
    for role, trace in (("guide", guide), ("model", model)):
        for name, site in trace.nodes.items():
            if site.kind == "sample":
                problem = support_problem(site, role)
                if problem:
                    raise SupportError(problem, site=name)


def support_problem(site: Site, role: str) -> str | None:
    """What is wrong with a site's value, as a message; ``None`` if nothing is.

    A value need be possible only under some value of the enumerated variables that the distribution depends on.
    """
    if site.mask is False or not isinstance(site.value, Tensor):
        return None
    try:
        support = site.fn.support
        inside = support.check(site.value)
    except (NotImplementedError, AttributeError, ValueError):  # a distribution whose support is not known to torch
        return None
    except RuntimeError as error:
        raise ShapeError(
            f"At site {site.name!r} of the {role}, the value of shape {tuple(site.value.shape)} does not broadcast "
            f"with the distribution's batch shape {tuple(site.fn.batch_shape)} and event shape "
            f"{tuple(site.fn.event_shape)}: {error}",
            site=site.name,
        ) from None
    if isinstance(site.mask, Tensor):
        inside = inside | ~site.mask
    possible = under_some_value(site, inside, Tensor.any)
    if bool(possible.all()):
        return None
    everywhere = " under every value of the enumerated variables" if possible is not inside else ""
    return _describe(site, role, _of_plates(site, possible), everywhere)


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


def _describe(site: Site, role: str, inside: Tensor, everywhere: str) -> str:
    wrong = int((~inside).sum())
    index = tuple((~inside).nonzero()[0].tolist())
    value = site.value.detach()
    example = (
        value[index]
        if value.dim() >= len(index) and all(i < n for i, n in zip(index, value.shape, strict=False))
        else value
    )
    shown = f"{_shown(example)}{f' at index {index}' if index else ''}{_reason(example)}"
    if inside.numel() > 1:
        shown = f"{wrong} of {inside.numel()} do, such as {shown}"
    if site.observed:
        origin = "the observed value"
        cure = "Correct the data, choose a distribution whose support contains it, or mask what is missing."
    else:
        origin = "the value" if role == "guide" else "the value, drawn by the guide,"
        cure = "Use a guide distribution with the model's support, or transform the value."
    support = "" if everywhere else f" The support is {site.fn.support}."
    return (
        f"At site {site.name!r} of the {role}, {origin} lies outside the support of {type(site.fn).__name__}"
        f"{everywhere}: {shown}.{support} {cure}"
    )


def _shown(example: Tensor) -> str:
    if example.numel() == 1:
        return f"{example.item():g}"
    entries = ", ".join(f"{each:.4g}" for each in example.flatten()[:4].tolist())
    return f"[{entries}{', ...' if example.numel() > 4 else ''}]"


def _reason(example: Tensor) -> str:
    if not torch.isfinite(example).all():
        return " (not finite)"
    if example.dim() == 1 and example.numel() > 1 and bool((example >= 0).all()):
        return f" (it sums to {example.sum().item():.4g})"
    return ""
