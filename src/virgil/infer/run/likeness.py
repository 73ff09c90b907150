"""A look at the programs of a run, by which a checkpoint of other programs is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import FileFormatError
from virgil.infer.density.buffers import buffers_of
from virgil.infer.density.dry_run import unmarked
from virgil.infer.problem import Problem
from virgil.infer.run.source import Batch
from virgil.infer.step.state import finding
from virgil.params import get_param_store
from virgil.params.state import State
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site

__all__ = ["Look", "check_alike", "look"]

_CALLED = {"param": "parameter", "sample": "variable"}


@dataclass(frozen=True)
class Look:
    """The programs as seen in one run of them.

    Attributes:
        statements: kind and name of every parameter and variable that they state.
        buffers: of the networks that they call.
        params: the store after it.
    """

    statements: frozenset[tuple[str, str]]
    buffers: list[Tensor]
    params: State


class _Statements(Handler):
    """Records the kind and name of parameters and variables."""

    def __init__(self) -> None:
        self.found: set[tuple[str, str]] = set()

    def after(self, site: Site) -> Site:
        """Record a parameter or variable."""
        if site.kind in _CALLED:
            self.found.add((site.kind, site.name))
        return site


def look(problem: Problem, batch: Batch) -> Look:
    """Run the programs of a problem and leave no mark."""
    store = get_param_store()
    with unmarked(), store.discarding(), finding() as found, _Statements() as stated, torch.no_grad():
        problem.loss(*batch.args, **batch.kwargs)
        params = store.get_state()
    return Look(frozenset(stated.found), buffers_of(found.modules), params)


def check_alike(filename: str, saved: frozenset[tuple[str, str]], present: frozenset[tuple[str, str]]) -> None:
    """Check that programs are those whose statements a file has.

    Raises:
        FileFormatError: they state something else.
    """
    if saved != present:
        raise FileFormatError(
            f"{filename!r} holds the run of another program: {_shown('it has', saved - present)}"
            f"{'; ' if saved - present and present - saved else ''}{_shown('this one has', present - saved)}. Give the "
            "model and the guide of that run, or another file to begin anew."
        )


def _shown(who: str, statements: Iterable[tuple[str, str]]) -> str:
    """The statements that one has and the other has not."""
    names = [f"{_CALLED.get(kind, kind)} {name!r}" for kind, name in sorted(statements)]
    if not names:
        return ""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    other = "this one has not" if who == "it has" else "the file has not"
    return f"{who} {', '.join(names[:5])}{more}, which {other}"
