"""The sites that are the choice of a plate's indices: told from others, and left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["prune_subsample_sites", "site_is_subsample"]


def site_is_subsample(site: Site | Mapping[str, Any]) -> bool:
    """True if a site, or a message, is the choice of a plate's indices and no statement of the program."""
    return site["type"] == "sample" and isinstance(site["fn"], SubsampleIndices)


def prune_subsample_sites(trace: Trace) -> Trace:
    """A copy of a trace without the sites that are the choice of a plate's indices."""
    pruned = trace.copy()
    pruned.nodes = {name: site for name, site in pruned.nodes.items() if not site_is_subsample(site)}
    return pruned
