"""Check of parameters that stand for more than one thing: location and scale, or all entries of an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch import distributions as td

from virgil.infer.checks.containment import family_name, layers
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.ranges import is_whole, nested, parameter_of

__all__ = ["shared_problems", "stretched_problems"]


def shared_problems(subject: Subject) -> Iterator[Finding]:
    """Distributions of which one parameter is the location and the scale."""
    for role, site in subject.sites():
        for fn in nested(site.fn):
            loc, scale = _parameter(vars(fn).get("loc")), _parameter(vars(fn).get("scale"))
            if loc is not None and loc == scale:
                yield Finding(
                    f"At site {site.name!r}, parameter {loc!r} is both the location and the scale of the {role}'s "
                    f"{family_name(site.fn)}.",
                    "Give each a parameter of its own name.",
                    site.name,
                    severity="warning",
                )


def stretched_problems(subject: Subject) -> Iterator[Finding]:
    """Variables of the guide of which one number is the location of all entries of an event."""
    for name, site in subject.guide.iter_stochastic_nodes():
        fn, size = layers(site.fn)[-1], site.fn.event_shape.numel()  # of a transformed one the entries are not its own
        parameter = _number(fn.loc) if isinstance(fn, td.Normal) and size > 1 else None
        if parameter is not None:
            yield Finding(
                f"At site {name!r}, one number, parameter {parameter!r}, is the guide's location of all {size} "
                f"entries of an event of shape {tuple(site.fn.event_shape)}.",
                f"If each entry is to have its own, make it of shape {tuple(site.fn.event_shape)}.",
                name,
                severity="note",
            )


def _parameter(value: Any) -> str | None:
    """The parameter that a value is, repeated or not."""
    if not isinstance(value, Tensor):
        return None
    name, base = parameter_of(value)
    return name if is_whole(value, base) else None


def _number(value: Tensor) -> str | None:
    """The parameter of one number that a value repeats."""
    name, base = parameter_of(value)
    return name if base.numel() == 1 else None
