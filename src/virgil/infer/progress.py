"""The progress bar of a run: loss, steps a second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from virgil import settings

__all__ = ["Display", "Report", "progress_bar"]

_REFRESH = 0.1  # seconds between two looks at the bar, so that it costs nothing beside the steps

Report = Callable[[int, float], object]


def _nothing(*shown: object) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Display:
    """What a run shows.

    Attributes:
        report: to call after each step with steps done and loss.
        say: shows a line above the bar.
    """

    report: Report = _nothing
    say: Callable[[str], object] = _nothing


@contextmanager
def progress_bar(total: int | None, show: bool) -> Iterator[Display]:
    """A bar for so many steps. Silent unless standard error is a terminal."""
    console = Console(stderr=True)
    if not (show and console.is_terminal and settings.get("progress")):
        yield Display()
        return
    columns = (
        TextColumn("{task.completed:>6}/{task.total} steps"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4g}"),
        TextColumn("{task.fields[rate]:,.0f} steps/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        task = progress.add_task("fit", total=total, loss=float("nan"), rate=0.0)
        begin = last = time.perf_counter()

        def report(done: int, loss: float) -> None:
            nonlocal last
            now = time.perf_counter()
            if now - last >= _REFRESH or done == total:
                last = now
                progress.update(task, completed=done, loss=loss, rate=done / (now - begin), refresh=True)

        yield Display(report, lambda line: console.print(line, highlight=False))
