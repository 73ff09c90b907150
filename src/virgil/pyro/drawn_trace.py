"""A drawing of one trace. :func:`virgil.render_model` draws a model, with its plates and its guide."""

from __future__ import annotations

import warnings
from typing import Any

from virgil.explain.render import Drawing
from virgil.poutine.subsample_sites import site_is_subsample
from virgil.poutine.trace import Trace

__all__ = ["save_visualization"]

_LATENT, _REPARAMETRISED, _OBSERVED = "salmon", "lightgrey;.5:salmon", "darkolivegreen3"


def save_visualization(trace: Trace, graph_output: str) -> None:
    """Save a trace's sites and edges as ``graph_output + ".pdf"``.

    Observed sites are green, latent ones salmon, and half grey where their draw is differentiable.

    Deprecated: write ``virgil.render_model``.

    Args:
        trace: a trace; its edges are those of ``graph_type="dense"``.
        graph_output: the file's name without its ending.

    Raises:
        ArgumentError: pygraphviz is not installed.
    """
    warnings.warn("save_visualization draws one trace. Write render_model.", DeprecationWarning, stacklevel=2)
    Drawing(source_of(trace)).save(f"{graph_output}.pdf")


def source_of(trace: Trace) -> str:
    """The drawing in Graphviz's language."""
    sites = [site for site in trace.nodes.values() if site["type"] == "sample" and not site_is_subsample(site)]
    names = {site["name"] for site in sites}
    lines = [f"  {_quoted(site['name'])} [{_style(site)}];" for site in sites]
    edges: Any = getattr(trace, "edges", ())
    lines += [f"  {_quoted(one)} -> {_quoted(other)};" for one, other in edges if one in names and other in names]
    return "\n".join(["digraph {", *lines, "}"])


def _style(site: Any) -> str:
    if site["is_observed"]:
        return f'style=filled, fillcolor="{_OBSERVED}"'
    if getattr(site["fn"], "has_rsample", False):
        return f'style=wedged, shape=ellipse, fillcolor="{_REPARAMETRISED}"'
    return f'style=filled, fillcolor="{_LATENT}"'


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
