"""From which parameters and latent sites a tensor is computed, as far as derivatives know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virgil.infer.density.execution import Executions
from virgil.ops.gradient_graph import node_of, nodes_behind
from virgil.poutine.site import Site

__all__ = ["Labels", "labels_of", "listed", "named", "sources"]

Labels = Mapping[Any, tuple[str, str]]  # by node of autograd's graph: "parameter" or "site", and its name


def labels_of(executions: Executions, without: Site | None = None) -> dict[Any, tuple[str, str]]:
    """The nodes of values of parameters and latent sites, but for one."""
    labels: dict[Any, tuple[str, str]] = {}
    for kind in ("sample", "param"):  # a point estimate's value is its parameter's
        for _, trace in executions:
            for name, site in trace.nodes.items():
                counts = site.kind == kind and (kind == "param" or site.is_latent) and site is not without
                node = node_of(site.value) if counts else None
                if node is not None:
                    labels[node] = ("parameter" if kind == "param" else "site"), name
    return labels


def sources(node: Any, labels: Labels) -> list[tuple[str, str]]:
    """The nearest parameters and latent sites that a node was computed from."""
    return list(dict.fromkeys(labels[each] for each in nodes_behind([node], labels) if each in labels))


def named(found: list[tuple[str, str]]) -> str:
    """Parameters and sites as part of a sentence."""
    return listed([f"{kind} {name!r}" for kind, name in found])


def listed(parts: list[str]) -> str:
    """Parts of a sentence, at most six.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    shown = [*parts[:5], f"{len(parts) - 5} more"] if len(parts) > 6 else parts
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
