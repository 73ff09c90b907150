"""The functions of all messengers, and ``_make_handler``, by which programs make such functions of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.poutine import (
    broadcast,
    condition,
    do,
    enum,
    equalize,
    infer_config,
    lift,
    markov,
    mask,
    queue,
    reparam,
    replay,
    scale,
    seed,
    substitute,
    uncondition,
)
from virgil.pyro.poutine.block_messenger import block
from virgil.pyro.poutine.collapse_messenger import collapse
from virgil.pyro.poutine.escape_messenger import escape
from virgil.pyro.poutine.trace_messenger import trace

__all__ = [
    "block",
    "broadcast",
    "collapse",
    "condition",
    "do",
    "enum",
    "equalize",
    "escape",
    "infer_config",
    "lift",
    "markov",
    "mask",
    "queue",
    "reparam",
    "replay",
    "scale",
    "seed",
    "substitute",
    "trace",
    "uncondition",
]


def _make_handler(
    msngr_cls: Callable[..., Any], module: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator whose function makes a messenger of all arguments but the first, and wraps the first if it is given.

    The decorated function itself has the name, the signature and the docstring.

    Args:
        msngr_cls: the messenger's class.
        module: accepted for the sake of existing programs.
    """

    def decorator(described: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(described)
        def handler(fn: Any = None, *args: Any, **kwargs: Any) -> Any:
            if fn is not None and not (callable(fn) or hasattr(fn, "__iter__")):
                raise ArgumentError(
                    f"{described.__name__}() got {shown(fn)} as its program, which cannot be called. Pass the function "
                    "first, or the other arguments by name."
                )
            made = msngr_cls(*args, **kwargs)
            return made if fn is None else made(fn)

        return handler

    return decorator
