"""Whether model and guide take the same call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from virgil.errors import MismatchError

__all__ = ["check_signatures"]


def check_signatures(
    model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Check that both programs accept the arguments, and do not name them in another order.

    Raises:
        MismatchError: one of them does not.
    """
    signatures = {}
    for role, program in (("model", model), ("guide", guide)):
        if not callable(program):
            raise MismatchError(f"The {role} is {program!r}, which cannot be called. Pass a function or a module.")
        signature = _signature(program)
        if signature is None:
            continue
        signatures[role] = signature
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise MismatchError(
                f"The {role} {_name(program)}{signature} cannot be called with {_describe(args, kwargs)}: {error}. "
                "Model and guide are called with the same arguments; give both the same signature."
            ) from None
    if len(signatures) == 2:
        _check_order(signatures["model"], signatures["guide"], len(args))


def _check_order(model: inspect.Signature, guide: inspect.Signature, count: int) -> None:
    ours, theirs = list(model.parameters)[:count], list(guide.parameters)[:count]
    for position, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if mine != other and mine in theirs and other in ours:
            raise MismatchError(
                f"Argument {position + 1} is {mine!r} in the model {model} but {other!r} in the guide {guide}. "
                "Both are called with the same arguments; put them in the same order."
            )


def _signature(program: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(getattr(program, "forward", program))
    except (TypeError, ValueError):  # some builtins have none
        return None


def _name(program: Callable[..., Any]) -> str:
    return str(getattr(program, "__name__", type(program).__name__))


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    parts = [f"{len(args)} positional argument{'' if len(args) == 1 else 's'}"]
    if kwargs:
        parts.append(f"keywords {', '.join(sorted(kwargs))}")
    return " and ".join(parts)
