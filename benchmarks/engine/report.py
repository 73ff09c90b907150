"""The tables: medians over rounds, ratios between engines, and the goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.engine.engines import ENGINES
from benchmarks.engine.problem import STEPS
from benchmarks.engine.row import Found
from benchmarks.harness.table import Table

__all__ = ["Row", "goals_table", "rows_table"]

MIB = 2**20


@dataclass
class Row:
    """A program on an engine, and what was found round by round."""

    program: str
    engine: str
    found: list[Found] = field(default_factory=list)

    def median(self, what: str) -> float | None:
        """The median of an attribute of what was found."""
        values = [value for value in (getattr(each, what) for each in self.found) if value is not None]
        return median(values) if values else None

    @property
    def failure(self) -> str:
        """Why there is nothing, for a note below the table."""
        why = next((each.failure for each in self.found if each.failure), "")
        return f"{self.program}, {ENGINES[self.engine].label}: {why}" if why else ""

    def is_worth_repeating(self, seconds: float) -> bool:
        """Whether it is short, and was not in vain."""
        cold = self.median("cold")
        return cold is not None and cold < seconds


def _peer(rows: Sequence[Row], row: Row, engine: str) -> Row | None:
    """The same program on another engine; a form of it that only Virgil has is compared with the plain one."""
    plain = row.program.split(",")[0]
    return next((each for each in rows if each.program == plain and each.engine == engine), None)


def ratio(rows: Sequence[Row], row: Row, engine: str, what: str = "steady") -> float | None:
    """What a row takes over what its program takes on another engine, by medians."""
    peer = _peer(rows, row, engine)
    ours, theirs = row.median(what), peer.median(what) if peer else None
    return ours / theirs if ours is not None and theirs else None


def _text(value: float | None, pattern: str, otherwise: str = "–") -> str:
    return otherwise if value is None else pattern.format(value)


def _times(value: float) -> str:
    """In three figures, or in whole numbers from 100 on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rows_table(rows: Sequence[Row], rounds: int, limit: float) -> Table:
    """One line a row."""
    table = Table(
        f"{STEPS:,} steps from the start of a process, s, and steady steps, µs: medians over {rounds} rounds",
        ["program", "row", "µs a step", "over NumPyro", "Pyro over it", "cold", "warm", "compile", "MiB", "loss"],
    )
    table.rows += [_line(rows, row, limit) for row in rows]
    return table


def _line(rows: Sequence[Row], row: Row, limit: float) -> list[str]:
    steady, slower, peak = row.median("steady"), ratio(rows, row, "pyro"), row.median("peak")
    taken = row.found[0].steps
    loss = _text(row.median("loss"), "{:.5g}") + _text(row.median("error"), " ± {:.2g}", "")
    return [
        row.program,
        ENGINES[row.engine].label,
        _text(steady and 1e6 * steady, "{:,.0f}" if steady and steady > 1e-4 else "{:.3g}"),
        _text(ratio(rows, row, "numpyro"), "{:.2f}"),
        _times(1 / slower) if slower else "–",
        _text(row.median("cold"), "{:.1f}", "failed" if row.failure else f"over {limit:.0f}"),
        _text(row.median("warm"), "{:.1f}") if ENGINES[row.engine].caches else "",
        _text(row.median("compile"), "{:.1f}"),
        _text(peak and peak / MIB, "{:.0f}"),
        f"{loss} at {taken}" if 0 < taken < STEPS else loss,
    ]


@dataclass(frozen=True)
class Goal:
    """A bound on a ratio of Virgil on XLA to a peer.

    Attributes:
        peer: a name in ``ENGINES``.
        what: an attribute of what was found.
        bound: the largest ratio that is kept.
        inverted: whether the ratio is shown as how many times faster.
    """

    text: str
    programs: Sequence[str]
    peer: str
    what: str
    bound: float
    inverted: bool = False

    def line(self, row: Row, value: float) -> list[str]:
        """What the table says of a row."""
        shown = f"{_times(1 / value)} times" if self.inverted else f"{value:.2f}"
        return [self.text, row.program, shown, "yes" if value <= self.bound else "no"]


SMALL = ["eight schools", "mixture", "logistic regression", "HMM", "HMM, vectorized_markov", "HMM, DiscreteHMM"]
LARGE = ["LDA", "VAE"]
GOALS = [
    Goal("steady, at most 0.5 of NumPyro", SMALL, "numpyro", "steady", 0.5),
    Goal("steady, at most 1.0 of NumPyro", LARGE, "numpyro", "steady", 1.0),
    Goal("steady, 100 times faster than Pyro", SMALL[:2], "pyro", "steady", 0.01, inverted=True),
    Goal("steady, 2 times faster than Pyro", ["VAE"], "pyro", "steady", 0.5, inverted=True),
    Goal(f"start to {STEPS:,} steps, cold, at most 1.0 of NumPyro", SMALL + LARGE, "numpyro", "cold", 1.0),
    Goal(f"start to {STEPS:,} steps, warm, at most 1.0 of NumPyro", SMALL + LARGE, "numpyro", "warm", 1.0),
]


def goals_table(rows: Sequence[Row]) -> Table:
    """What Virgil on XLA is meant to reach, and whether it does."""
    table = Table("Goals of Virgil on XLA", ["goal", "program", "measured", "kept"])
    for goal in GOALS:
        for row in rows:
            value = ratio(rows, row, goal.peer, goal.what)
            if row.engine == "xla" and row.program in goal.programs and value is not None:
                table.rows.append(goal.line(row, value))
    return table
