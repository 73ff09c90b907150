"""Where a fit came from: enough to draw from it, to take further steps and to fit anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.infer.density.dry_run import unmarked
from virgil.infer.problem import Problem
from virgil.infer.run.source import Batch, Source
from virgil.infer.step.session import Session
from virgil.params import ParamStore, get_param_store
from virgil.params.constraint import Constraint

__all__ = ["Origin", "origin_of"]


@dataclass(frozen=True, eq=False)
class Origin:
    """The problem, arguments and parameters that a fit came from.

    Attributes:
        problem: what was solved.
        session: what its steps have kept.
        source: of the arguments of its steps.
        batch: the arguments of its last step.
        leaves: the unconstrained parameters themselves, by name; they may have changed since.
        constraints: theirs.
        values: what the leaves were after the last step.
    """

    problem: Problem
    session: Session
    source: Source
    batch: Batch
    leaves: Mapping[str, Tensor]
    constraints: Mapping[str, Constraint]
    values: Mapping[str, Tensor]

    @property
    def has_moved(self) -> bool:
        """True if the parameters have changed since, by further steps or by hand."""
        return not all(torch.equal(self.leaves[name], value) for name, value in self.values.items())

    @contextmanager
    def present(self) -> Iterator[None]:
        """A block in which parameters are those of the fit, in a store of their own.

        After it parameters, networks' buffers and random generators are as before.

        Raises:
            ThreadError: another thread takes steps, or looks at a fit of the same SVI.
        """
        store = ParamStore()
        state: Any = {"params": dict(self.leaves), "constraints": dict(self.constraints)}
        with (
            self.session.alone,
            self.session.taking_up(self.problem),
            unmarked(),
            self._written(self.values),
            store,
            store.scope(state),
            store.discarding(),
        ):
            yield

    @contextmanager
    def _written(self, values: Mapping[str, Tensor]) -> Iterator[None]:
        """A block in which the leaves have these values; a leaf that has its value already is not touched."""
        before = {name: leaf.detach().clone() for name, leaf in self.leaves.items()}
        self.write(values)
        try:
            yield
        finally:
            self.write(before)

    def write(self, values: Mapping[str, Tensor]) -> None:
        """Give the leaves values."""
        with torch.no_grad():
            for name, value in values.items():
                if not torch.equal(self.leaves[name], value):
                    self.leaves[name].copy_(value)


def origin_of(session: Session, source: Source, names: Iterable[str]) -> Origin | None:
    """The origin of a fit that ends here; ``None`` where nothing was taken from the source."""
    if source.last is None:
        return None
    store = get_param_store()
    held = [name for name in names if name in store]
    leaves = {name: store.unconstrained(name) for name in held}
    constraints = {name: store.constraint(name) for name in held}
    values = {name: leaf.detach().clone() for name, leaf in leaves.items()}
    return Origin(session.problem, session, source, source.last, leaves, constraints, values)
