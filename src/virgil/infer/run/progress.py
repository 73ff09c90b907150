"""The progress bar of a run: loss, steps a second, time left."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from virgil import settings

__all__ = ["Display", "Report", "progress_bar"]

_REFRESH = 0.2  # seconds between two looks at the bar: one takes a millisecond
_terminal = threading.Lock()  # held by the run that shows its bar

Report = Callable[[int, float], object]


def _nothing(*shown: object) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Display:
    """The lines and the bar that a run shows.

    Attributes:
        report: to call after each step with steps done and loss.
        say: shows a line above the bar.
    """

    report: Report = _nothing
    say: Callable[[str], object] = _nothing


@contextmanager
def progress_bar(total: int | None, show: bool) -> Iterator[Display]:
    """A bar for so many steps, which moves in a run that lasts.

    Silent unless standard error is a terminal, and where another run, of this thread or another, shows its bar there.
    """
    console = Console(stderr=True)
    if not (show and console.is_terminal and settings.get("progress") and _terminal.acquire(blocking=False)):
        yield Display()
        return
    try:
        with _bar(total, console) as display:
            yield display
    finally:
        _terminal.release()


@contextmanager
def _bar(total: int | None, console: Console) -> Iterator[Display]:
    columns = (
        TextColumn("{task.completed:>6}/{task.total} steps"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4g}"),
        TextColumn("{task.fields[rate]:,.0f} steps/s"),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console, auto_refresh=False)
    task = progress.add_task("fit", total=total, loss=math.nan, rate=0.0)
    begin = drawn = time.perf_counter()
    at = 0, math.nan

    def report(done: int, loss: float) -> None:
        nonlocal at, drawn
        at, now = (done, loss), time.perf_counter()
        if now - drawn >= _REFRESH:
            drawn = now
            progress.start()
            progress.update(task, completed=done, loss=loss, rate=done / (now - begin), refresh=True)

    try:
        yield Display(report, lambda line: console.print(line, highlight=False))
    finally:
        done, loss = at
        progress.update(task, completed=done, loss=loss, rate=done / (time.perf_counter() - begin))
        if progress.live.is_started:
            progress.stop()
        elif done:
            console.print(progress)
