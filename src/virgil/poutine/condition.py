"""``condition`` and ``uncondition``: turn latent sites into observed ones, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.plate_context import entered_indices
from virgil.poutine.reparam import is_restated, restatement
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Condition", "Uncondition", "condition", "uncondition"]


class Condition(Handler):
    """Observes the sites that ``data`` names; a site that is observed already, further in, gets the new value."""

    def __init__(self, data: Mapping[str, Tensor] | Trace) -> None:
        if isinstance(data, Trace):
            data = {name: data.nodes[name].value for name in data.stochastic_nodes + data.observation_nodes}
        if not isinstance(data, Mapping):
            raise ArgumentError(
                f"condition() got data={shown(data)}; it takes a dict from site name to value, or a trace."
            )
        self.data = data

    def before(self, site: Site) -> Site:
        """Give the site its observed value."""
        if site.kind == "sample" and self.data.get(site.name) is not None:
            if is_restated(site):
                self._check_restated(site)
            site = site.replace(value=_of_mini_batch(site, self.data[site.name]), observed=True)
        return site

    def _check_restated(self, site: Site) -> None:
        """Refuse a value of a function of latent variables that have none."""
        note = restatement(site)
        missing = [] if note is None else [name for name in note.via if self.data.get(name) is None]
        if note is not None and missing:
            raise ArgumentError(
                f"condition() gives a value to {site.name!r}, which {note.by} has made a function of "
                f"{', '.join(map(repr, note.via))}: the value would count nothing. Condition the program inside, as in "
                f"reparam(condition(model, data=...), config=...), or give {', '.join(map(repr, missing))} a value too."
            )


def _of_mini_batch(site: Site, value: Any) -> Any:
    """The value, cut to the mini-batch where it has the full size of a plate around the site."""
    if not isinstance(value, Tensor) or not any(frame.size != frame.full_size for frame in site.frames):
        return value
    for frame, indices in entered_indices():
        dim = -1 if frame.dim is None else frame.dim - len(site.fn.event_shape)
        if frame in site.frames and value.dim() >= -dim and value.shape[dim] == frame.full_size:
            value = value.index_select(dim, indices)
    return value


class Uncondition(Handler):
    """Draws observed sites anew."""

    def before(self, site: Site) -> Site:
        """Take the observed value away, and keep it in ``infer["obs"]``."""
        if site.kind == "sample" and site.observed:
            infer = {**site.infer, "was_observed": True, "obs": site.value}
            site = site.replace(value=None, observed=False, infer=infer)
        return site


def condition(fn: Program | None = None, data: Mapping[str, Tensor] | Trace | None = None) -> Any:
    """Run a program with some sites observed, as if each had ``obs=``. The outermost value of a site counts.

    Args:
        fn: the program; without one, the handler is returned.
        data: value by site name, or a trace. A name with value ``None`` stays latent. Where a plate takes a mini-batch,
            a value that has the plate's full size is cut to it.
    """
    if data is None:
        raise ArgumentError("condition() needs data=, a dict from site name to value.")
    return wrapped(Condition(data), fn)


def uncondition(fn: Program | None = None) -> Any:
    """Run a program with its observed sites drawn from their distributions."""
    return wrapped(Uncondition(), fn)
