"""What a table of mistakes is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from virgil.infer import ELBO

__all__ = ["Mistake"]


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
