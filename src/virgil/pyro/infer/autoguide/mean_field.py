"""The entropy of a mean-field program, and the statements that a guide need not know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.poutine.site import Site
from virgil.poutine.trace import trace

__all__ = ["mean_field_entropy", "prototype_hide_fn"]


def mean_field_entropy(
    model: Callable[..., Any], args: tuple[Any, ...], whitelist: Collection[str] | None = None
) -> Tensor:
    """The sum of the entropies of a program's sample statements, nats.

    It is the entropy of the joint distribution where the statements are independent of each other.

    Args:
        model: the program.
        args: its arguments.
        whitelist: the names that count. Default: all.
    """
    total = torch.zeros(())
    for name, site in trace(model).get_trace(*args).nodes.items():
        if site.kind == "sample" and (whitelist is None or name in whitelist):
            total = total + site.fn.entropy().sum()
    return total


def prototype_hide_fn(msg: Site | Mapping[str, Any]) -> bool:
    """True for statements that a guide need not know: all but latent variables."""
    is_plate = isinstance(msg, Site) and msg.kind == "plate"
    return bool(msg["type"] != "sample" or msg["is_observed"] or is_plate)
