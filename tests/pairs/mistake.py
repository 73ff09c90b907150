"""Rows of the tables: pairs of model and guide that fit, and pairs with a mistake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import ANY

from virgil.infer import ELBO, TraceEnum_ELBO

__all__ = ["Mistake", "Pair", "raised"]


@dataclass(frozen=True)
class Pair:
    """A model and a guide that fit, with what they are called with."""

    model: Any
    guide: Any
    args: tuple[Any, ...] = ()
    loss: Any = None


@dataclass(frozen=True)
class Mistake:
    """A model and a guide with something wrong, and what is to be said of it.

    Attributes:
        model, guide: the programs.
        site: what the problem is about.
        parts: of its message.
        verdict: the exception that SVI raises for an error; else ``"warning"`` or ``"note"``.
        loss: the objective's class; by default the one that is chosen by what is marked.
        args: the arguments of both programs.
        options: of the objective.
        is_first: whether it is the error that SVI raises, and not one that comes after it.
    """

    model: Callable[..., Any]
    guide: Callable[..., Any]
    site: str | None
    parts: Sequence[str]
    verdict: type[Exception] | str
    loss: type[ELBO] | None = None
    args: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    is_first: bool = True

    @property
    def severity(self) -> str:
        """Of the problem."""
        return self.verdict if isinstance(self.verdict, str) else "error"

    @property
    def objective(self) -> ELBO | None:
        """The objective, where one is asked for."""
        return None if self.loss is None else self.loss(**dict(self.options))


def raised(model: Any, guide: Any, error: type[Exception], parts: Sequence[str]) -> Mistake:
    """A mistake that enumeration finds, at whatever site it shows."""
    return Mistake(model, guide, ANY, parts, error, loss=TraceEnum_ELBO)
