"""``CollapseMessenger``, which says what to use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virgil.errors import ArgumentError
from virgil.pyro.poutine.trace_messenger import TraceMessenger

__all__ = ["CollapseMessenger", "collapse"]


class CollapseMessenger(TraceMessenger):
    """Would integrate a program's variables out by conjugacy; there is none of it.

    Raises:
        ArgumentError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ArgumentError(
            "collapse() integrates variables out by funsor, which Virgil does not use. TraceEnum_ELBO sums discrete "
            "variables out as it is; give continuous ones a guide, such as AutoNormal."
        )


def collapse(fn: Callable[..., Any] | None = None, *args: Any, **kwargs: Any) -> Any:
    """Say what to use in the place of integration by conjugacy.

    Raises:
        ArgumentError: always.
    """
    return CollapseMessenger(*args, **kwargs)
