"""Where ``queue`` leaves a program, and the traces with which it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from torch import Tensor

from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["all_escape", "discrete_escape", "enum_extend", "mc_extend"]

Statement = Site | Mapping[str, Any]


def all_escape(trace: Trace, msg: Statement) -> bool:
    """True at a latent variable that is not in the trace."""
    return msg["type"] == "sample" and not msg["is_observed"] and msg["name"] not in trace


def discrete_escape(trace: Trace, msg: Statement) -> bool:
    """True at a latent variable whose values can be listed and that is not in the trace."""
    return all_escape(trace, msg) and bool(getattr(msg["fn"], "has_enumerate_support", False))


def enum_extend(trace: Trace, msg: Site, num_samples: int | None = None) -> list[Trace]:
    """The trace with each value of a variable's support.

    Args:
        trace: all that comes before the variable.
        msg: the variable's site.
        num_samples: how many of the values to take, the first ones. Default: all.
    """
    return _extended(trace, msg, islice(msg.fn.enumerate_support(expand=True), num_samples))


def mc_extend(trace: Trace, msg: Site, num_samples: int | None = None) -> list[Trace]:
    """The trace with so many independent draws of a variable, one by default."""
    return _extended(trace, msg, (msg.fn.sample() for _ in range(num_samples or 1)))


def _extended(trace: Trace, site: Site, values: Iterable[Tensor]) -> list[Trace]:
    extended = []
    for value in values:
        new = trace.copy()
        new.nodes[site.name] = site.with_value(value)
        extended.append(new)
    return extended
