"""Words for an optimiser's step that broke a parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from virgil.infer.blame.summary import not_finite, summary

__all__ = ["describe_update"]

_LARGE_RATE = 1.0
_LARGE_GRADIENT = 1e6


def describe_update(
    name: str, what: Tensor, is_memory: bool, leaf: Tensor, gradient: Tensor | None, options: Mapping[str, Any]
) -> str:
    """A message.

    Args:
        name: of the parameter.
        what: the tensor that is not finite: the parameter's value, or what is remembered of it.
        is_memory: whether it is the latter.
        leaf: after the step.
        gradient: of the step.
        options: of the optimiser for this parameter.
    """
    rate = float(options.get("lr", math.nan))
    norm = math.nan if gradient is None else float(gradient.double().norm())
    of = f"what the optimiser remembers of parameter {name!r}" if is_memory else f"parameter {name!r}"
    unconstrained = "" if not_finite(leaf) or is_memory else f", where its unconstrained value is {summary(leaf)}"
    return (
        f"The loss is finite, but the optimiser's step would make {of} {not_finite(what)}{unconstrained}. "
        f"The learning rate is {rate:g}, the gradient's norm {norm:.4g}. Likely cause: "
        f"{_cause(rate, norm, bool(unconstrained), options)}"
    )


def _cause(rate: float, norm: float, is_transformed: bool, options: Mapping[str, Any]) -> str:
    if not math.isfinite(rate):
        return "the learning rate is not finite; look at its schedule."
    if rate > _LARGE_RATE:
        return "a learning rate that is far too large, or a schedule that lets it grow."
    if norm > _LARGE_GRADIENT:
        return "an exploding gradient: scale the data, begin nearer to them, or use ClippedAdam."
    if options.get("momentum", 0.0) >= 1:
        return "a momentum of 1 or more, which lets the optimiser's memory grow without bound."
    if options.get("eps", 1.0) == 0:
        return "an eps of zero, by which a gradient of zero becomes 0 / 0."
    if is_transformed:
        return (
            "the map from the unconstrained value to the constraint overflows: use a smaller rate, or a constraint "
            "such as softplus_positive."
        )
    return "momentum, or a learning rate that is too large for the gradients; use a smaller one, or ClippedAdam."
