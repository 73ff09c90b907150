"""Letters for the dims of a trace's tensors, and tensors without their dims of one entry."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from virgil.errors import ShapeError
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.site import Site
from virgil.pyro.ops import packed

__all__ = ["pack", "symbols"]


def symbols(sites: Iterable[Site], chosen: Mapping[str, str]) -> tuple[dict[str, str], dict[str, int]]:
    """The letter of each plate, by name, and the dim of each letter; enumerated variables have letters as well.

    Each site keeps the letters of its dims under ``"_dim_to_symbol"`` of its options, and that of its own enumerated
    dim under ``"_enumerate_symbol"``.

    Args:
        sites: in the order in which they happened.
        chosen: letters that plates have already.
    """
    plates = dict(chosen)
    variables: dict[str, str] = {}
    dims: dict[str, int] = {}
    free = iter(each for each in string.ascii_letters if each not in set(chosen.values()))
    for site in sites:
        if site.kind != "sample":
            continue
        named: dict[int, str] = {}
        for frame in site.frames:
            if frame.dim is not None:
                if frame.name not in plates:
                    plates[frame.name] = next(free)
                named[frame.dim] = plates[frame.name]
        for dim, variable in sorted(site.variables.items(), reverse=True):
            if variable not in variables:
                variables[variable] = next(free)
            named[dim] = variables[variable]
        own = enumerated_dim(site)
        extra = {} if own is None else {"_enumerate_symbol": named[own]}
        site.infer = {**site.infer, "_dim_to_symbol": named, **extra}
        dims.update((letter, dim) for dim, letter in named.items())
    return plates, dims


def pack(site: Site, symbol_to_dim: Mapping[str, int]) -> dict[str, Any]:
    """A site's mask, log-probabilities and score parts without dims of one entry.

    The letters of the dims that are left, in their order, are an attribute ``_pyro_dims`` of each tensor.
    """
    named = site.infer.get("_dim_to_symbol", {})
    found: dict[str, Any] = {"mask": _packed(site.mask, named, site.name)}
    if "score_parts" in site:
        parts = site["score_parts"]
        found["score_parts"] = type(parts)(*(_packed(part, named, site.name) for part in parts))
    if site.kind == "sample" and site.unscaled_log_prob_is_known:
        found["log_prob"] = _packed(site.log_prob, named, site.name)
        found["unscaled_log_prob"] = _packed(site.unscaled_log_prob, named, site.name)
    return found


def _packed(value: Any, named: Mapping[int, str], site: str) -> Any:
    undeclared = packed.nameless_dims(value, named) if isinstance(value, Tensor) else []
    if undeclared:
        raise ShapeError(
            f"At site {site!r}, a tensor of shape {tuple(value.shape)} has size {value.shape[undeclared[0]]} at dim "
            f"{undeclared[0]}, which no plate and no enumerated variable declares. Declare the dim by a plate, or as "
            "part of the event by .to_event().",
            site=site,
        )
    return packed.pack(value, named)
