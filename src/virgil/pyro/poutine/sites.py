"""Sites made from what old programs write, and the questions that they ask of sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virgil.distributions import Unit
from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.site import Site
from virgil.poutine.string_keys import COMPUTED, FIELDS

__all__ = ["site_is_factor", "site_of"]

_GIVEN = frozenset({"type", "kind", "scale", *FIELDS, *COMPUTED})


def site_of(message: Site | Mapping[str, Any], name: str | None = None) -> Site:
    """The site that a mapping with the keys of messages describes; keys may be missing.

    Args:
        message: the mapping, or a site, which is returned.
        name: the site's name where the mapping has none.
    """
    if isinstance(message, Site):
        return message
    fn, infer = message.get("fn"), message.get("infer") or {}
    kind = message.get("type", "sample")
    if kind == "sample" and isinstance(fn, SubsampleIndices):
        kind = "plate"
    elif kind == "sample" and infer.get("_deterministic"):
        kind = "deterministic"
    site = Site(kind, message.get("name", name), fn, infer=infer)
    site.args, site.kwargs = tuple(message.get("args") or ()), dict(message.get("kwargs") or {})
    site.value, site.observed = message.get("value"), bool(message.get("is_observed", False))
    site.mask, site.frames = message.get("mask"), tuple(message.get("cond_indep_stack") or ())
    site.extra = {key: value for key, value in message.items() if key not in _GIVEN}
    site["scale"] = message.get("scale", 1.0)
    return site


def site_is_factor(site: Site | Mapping[str, Any]) -> bool:
    """True if a site, or a message, was made by ``factor``."""
    return site["type"] == "sample" and isinstance(site["fn"], Unit)
