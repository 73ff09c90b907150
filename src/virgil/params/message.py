"""Messages of errors about parameters that are re-used wrongly."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from virgil import settings
from virgil.errors import FitWarning, ParamError
from virgil.ops.user_code import warn_user
from virgil.params.constraint import Constraint, same_constraint

__all__ = ["check_declared", "mismatch", "module_owns", "other_constraint", "other_shape", "unknown_when_captured"]

_REMEDY = (
    "Use another name, or forget the old parameter first: clear_param_store() for all, "
    "del store[{name!r}] for this one."
)


def mismatch(text: str) -> None:
    """Refuse a second declaration that differs, or warn where the settings accept mismatches.

    Raises:
        ParamError: the settings do not.
    """
    if settings.get("mismatch") == "error":
        raise ParamError(text)
    warn_user(f"{text} What the store holds is used.", FitWarning)


def check_declared(name: str, present: Constraint, given: Constraint) -> None:
    """Check the constraint of a second declaration.

    Raises:
        ParamError: it is another one, and the settings accept no mismatches.
    """
    if not same_constraint(given, present):
        mismatch(other_constraint(name, present, given))


def other_shape(name: str, present: Sequence[int], given: Sequence[int]) -> str:
    """The message for a name that is declared again with another shape."""
    return (
        f"Parameter {name!r} was declared with shape {tuple(given)}, but the store holds it with shape "
        f"{tuple(present)}. {_REMEDY.format(name=name)}"
    )


def other_constraint(name: str, present: Constraint, given: Constraint) -> str:
    """The message for a name that is declared again with another constraint."""
    return (
        f"Parameter {name!r} was declared with the constraint {given}, but the store holds it with the constraint "
        f"{present}. {_REMEDY.format(name=name)}"
    )


def module_owns(name: str, present: Tensor, given: Tensor) -> str:
    """The message for a value that a module's tensor cannot hold."""
    return (
        f"Parameter {name!r} got a value whose leaf is of shape {tuple(given.shape)}, {given.dtype} on {given.device}, "
        f"but a module owns it as {tuple(present.shape)}, {present.dtype} on {present.device}. "
        "Change the module instead."
    )


def unknown_when_captured(name: str) -> str:
    """The message for a captured step that reads a parameter which was not there at its capture."""
    return (
        f"Parameter {name!r} was not known when the step was captured. Declare every parameter in the first run, "
        "whatever branch it takes, or use the eager engine."
    )
