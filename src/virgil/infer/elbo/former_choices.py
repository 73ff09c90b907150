"""Choices and arguments of former days: what they mean today, or a warning or error that says they mean nothing."""

from __future__ import annotations

import math
import warnings
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.infer.elbo.choices import Choices
from virgil.infer.elbo.summing_out import BOTH, NONE

__all__ = ["nesting_of", "of_attributes", "warn_of_unused"]


def of_attributes(objective: Any, known: frozenset[type], terms: object, sum_out: object) -> Choices:
    """The choices of an objective's class, with those of its attributes ``latent_terms`` and ``enumerates``.

    Args:
        objective: an instance.
        known: classes whose attributes of these names are no choices.
        terms: the argument that chooses what ``latent_terms`` does.
        sum_out: likewise for ``enumerates``.

    Raises:
        ArgumentError: an attribute and an argument for one choice.
    """
    kind = type(objective)
    choices: Choices = kind.choices
    for attribute, name, given in (("latent_terms", "terms", terms), ("enumerates", "sum_out", sum_out)):
        if not any(attribute in vars(each) for each in kind.__mro__ if each not in known):
            continue
        if given is not None:
            raise ArgumentError(
                f"{kind.__name__} has the class attribute {attribute} and got {name}={shown(given)}, but both "
                "choose the same thing. Leave one of them out."
            )
        value = getattr(objective, attribute)
        choices = choices.but(terms=value) if name == "terms" else choices.but(sum_out=BOTH if value else NONE)
    return choices


def nesting_of(objective: Any, nesting: float | None, former: float | None) -> int | None:
    """The nesting that an objective is given, under the present or the former name of the argument.

    Raises:
        ArgumentError: it is no number from 0 upwards.
    """
    if former is not None:
        warnings.warn(
            "max_iarange_nesting is the former name of max_plate_nesting. Write max_plate_nesting instead.",
            DeprecationWarning,
            stacklevel=3,
        )
        nesting = former
    if nesting is not None and (math.isnan(nesting) or nesting < 0):
        raise ArgumentError(
            f"{type(objective).__name__} got max_plate_nesting={shown(nesting)}; it takes a whole number, 0 or more."
        )
    return None if nesting is None or nesting == math.inf else int(nesting)


def warn_of_unused(objective: Any, jit_options: dict[str, Any] | None, tail_adaptive_beta: float) -> None:
    """Warn of arguments that do nothing, where they are given."""
    why = {
        "jit_options": (jit_options, not jit_options, "Virgil compiles without torch.jit.trace"),
        "tail_adaptive_beta": (tail_adaptive_beta, tail_adaptive_beta == -1.0, "no bound has tail-adaptive weights"),
    }
    for name, (value, is_default, reason) in why.items():
        if not is_default:
            warnings.warn(
                f"{type(objective).__name__} got {name}={shown(value)}, which does nothing: {reason}. Leave it out.",
                UserWarning,
                stacklevel=3,
            )
