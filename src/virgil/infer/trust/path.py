"""The parameters' path over further steps, taken from a copy of where a fit ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from virgil.errors import NonFiniteError
from virgil.infer.run.feed import Feed
from virgil.infer.run.origin import Origin
from virgil.infer.run.source import Batch
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledStep

__all__ = ["POINTS", "Path", "path_of"]

POINTS = 128  # of a path that are looked at
_BETWEEN = 4  # points of the second half between two whose parameters are kept whole
_ENTRIES = 256  # of the parameters that are followed one by one

Values = dict[str, Tensor]


@dataclass(eq=False)
class Path:
    """Parameters, unconstrained, at points of equal distance in steps.

    Attributes:
        steps: how many were taken.
        losses: the loss of each step, nats.
        entries: name and place of the parameters' entries that are followed.
        rows: their values. Shape: ``(points, entries)``, float64.
        kept: all parameters at some points of the second half, by name.
        sums: of all parameters over the points of each half, float64.
        counts: how many points each half has.
        failed: whether a loss or gradient was not finite, which ended it.
    """

    entries: list[tuple[str, int]]
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    points: list[Tensor] = field(default_factory=list)
    kept: list[Values] = field(default_factory=list)
    sums: tuple[Values, Values] = field(default_factory=lambda: ({}, {}))
    counts: list[int] = field(default_factory=lambda: [0, 0])
    failed: bool = False

    @property
    def rows(self) -> Tensor:
        """Values of the entries that are followed. Shape: ``(points, entries)``."""
        return torch.stack(self.points) if self.points else torch.zeros(0, len(self.entries))

    def mean(self, half: int) -> Values:
        """The mean of all parameters over one half."""
        return {name: total / self.counts[half] for name, total in self.sums[half].items()}

    def add(self, values: Values) -> None:
        """Look at a point."""
        number = len(self.points)
        half = int(number >= POINTS // 2)
        flat = {name: value.detach().reshape(-1) for name, value in values.items()}
        self.points.append(torch.stack([flat[name][place].double().cpu() for name, place in self.entries]))
        for name, value in values.items():
            before = self.sums[half].get(name)
            self.sums[half][name] = value.detach().double() if before is None else before + value.detach().double()
        self.counts[half] += 1
        if half and number % _BETWEEN == 0:
            self.kept.append({name: value.detach().clone() for name, value in values.items()})


def path_of(origin: Origin, engine: str, steps: int) -> Path:
    """Take further steps, inside ``origin.present()``; optimiser and parameters are put back.

    On a compiled engine the step that the run has captured is used, where it still holds; else steps are taken eagerly.
    """
    path = Path(_entries(origin))
    every = max(1, steps // POINTS)
    batches = origin.source.more()
    first = next(batches, origin.batch)
    step = None if engine == "eager" else origin.session.compiled(engine).find(first.args, first.kwargs)
    if step is None:
        _eager(origin, path, _from(first, batches), every)
    else:
        _compiled(origin, engine, step, path, _from(first, batches), every)
    return path


def _from(first: Batch, rest: Iterator[Batch]) -> Iterator[Batch]:
    yield first
    yield from rest


def _entries(origin: Origin) -> list[tuple[str, int]]:
    """Entries of all parameters, or as many of them as are followed, spread evenly."""
    total = sum(value.numel() for value in origin.values.values())
    chosen = torch.linspace(0, total - 1, min(total, _ENTRIES)).round().long().tolist() if total else []
    entries, before = [], 0
    for name, value in origin.values.items():
        entries += [(name, place - before) for place in chosen if before <= place < before + value.numel()]
        before += value.numel()
    return entries


def _eager(origin: Origin, path: Path, batches: Iterator[Batch], every: int) -> None:
    memory = origin.problem.optim.get_state()
    try:
        for _ in range(POINTS):
            for batch in islice(batches, every):
                path.losses.append(origin.session.eager.take(batch.args, batch.kwargs))
                path.steps += 1
            path.add(dict(origin.leaves))
    except NonFiniteError:
        path.failed = True
    finally:
        origin.problem.optim.set_state(memory)
        origin.write(origin.values)


def _compiled(
    origin: Origin, engine: str, step: CompiledStep, path: Path, batches: Iterator[Batch], every: int
) -> None:
    """As above; the engine's state is a copy, which the next run does not begin from."""
    steps = origin.session.compiled(engine)
    feed, seed = Feed(steps, scheduled=False), int(torch.randint(2**62, ()))
    step.load()
    names = list(step.state.leaves)
    others = {alias: first for alias, first in step.state.aliases.items() if alias in origin.leaves}
    for _ in range(POINTS):
        taken = list(islice(batches, 1 if origin.source.is_same else every))
        if any(arguments(batch.args, batch.kwargs).key != step.given.key for batch in taken):
            continue  # such as an epoch's shorter last batch
        course = step.advance(feed.inputs(step, taken, every), seed, path.steps, every)
        path.losses.extend(course.losses.tolist())
        path.steps += len(course.losses)
        if not course.is_finite:
            path.failed = True
            return
        values = dict(zip(names, step.runner.state(), strict=False))
        path.add({name: values[others.get(name, name)] for name in origin.leaves if others.get(name, name) in values})
