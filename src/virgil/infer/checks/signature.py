"""Check that model and guide take the same call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from virgil.infer.checks.finding import Finding, Subject

__all__ = ["arguments_of_none", "signature_problems"]

_CALLED_ALIKE = "Model and guide are called with the same arguments; give both the same signature."


def signature_problems(subject: Subject) -> Iterator[Finding]:
    """A program that cannot be called, that does not accept the arguments, or that names them in another order."""
    signatures = {}
    for role in sorted(subject.programs, reverse=True):  # the model first
        program = subject.programs[role]
        if not callable(program):
            yield Finding(f"The {role} is {program!r}, which cannot be called.", "Pass a function or a module.")
            continue
        signature = _signature(program)
        if signature is None:
            continue
        signatures[role] = signature
        try:
            signature.bind(*subject.args, **subject.kwargs)
        except TypeError as error:
            call = f"cannot be called with {_describe(subject.args, subject.kwargs)}: {error}."
            yield Finding(f"The {role} {_name(program)}{signature} {call}", _CALLED_ALIKE)
    if len(signatures) == 2:
        yield from _order_problems(signatures["model"], signatures["guide"], len(subject.args))


def arguments_of_none(subject: Subject, role: str) -> list[str]:
    """The arguments of a program that are ``None`` in this call, given so or by default."""
    program = subject.programs.get(role)
    signature = _signature(program) if program is not None else None
    if signature is None:
        return []
    try:
        bound = signature.bind(*subject.args, **subject.kwargs)
    except TypeError:
        return []
    bound.apply_defaults()
    return [name for name, value in bound.arguments.items() if value is None]


def _order_problems(model: inspect.Signature, guide: inspect.Signature, count: int) -> Iterator[Finding]:
    ours, theirs = list(model.parameters)[:count], list(guide.parameters)[:count]
    for position, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if mine != other and mine in theirs and other in ours:
            yield Finding(
                f"Argument {position + 1} is {mine!r} in the model {model} but {other!r} in the guide {guide}.",
                "Both are called with the same arguments; put them in the same order.",
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
