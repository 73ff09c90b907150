"""A note on an exception that the density of a site has raised: whose density it is, and where it is stated."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from virgil.engine.lines import line_of_user
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.infer.density.failing_line import described
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site

__all__ = ["note_density"]


def note_density(error: Exception, call: Call, pair: Pair) -> None:
    """Say on an exception which site's density raises one like it, if one does.

    Args:
        error: the exception.
        call: the programs, which are run once more to find the line.
        pair: an execution of them.
    """
    for role, trace in (("guide", pair.guide), ("model", pair.model)):
        for site in trace.nodes.values():
            try:
                if site.kind == "sample":
                    site.log_prob  # noqa: B018 - may raise
            except type(error):
                error.add_note(_note(role, site, _line(call, site.name)))
                return


def _note(role: str, site: Site, line: str | None) -> str:
    fn, where = site.fn, [f"{frame.name!r} (size {frame.size}, dim {frame.dim})" for frame in site.frames if frame.dim]
    value = f" and a value that is {described(site.value)}" if isinstance(site.value, Tensor) else ""
    plates = f", in plate {' and '.join(where)}" if where else ""
    return (
        f"This happened when the log-probability of site {site.name!r} of the {role} was computed, of "
        f"{type(fn).__name__} with batch shape {tuple(fn.batch_shape)} and event shape {tuple(fn.event_shape)}{value}"
        f"{plates}" + (f", stated at\n  {line}" if line else ".")
    )


class _Lines(Handler):
    """Notes the user's line of each statement, by site."""

    def __init__(self) -> None:
        self.by_site: dict[str, str | None] = {}

    def before(self, site: Site) -> Site:
        """Note the line."""
        self.by_site[site.name] = line_of_user()
        return site


def _line(call: Call, name: str) -> str | None:
    lines = _Lines()
    with dry_run():
        run_pair(replace(call, model=lines(call.model), guide=lines(call.guide)))
    return lines.by_site.get(name)
