"""The progress of chains: one bar a chain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from virgil import settings
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel

__all__ = ["Report", "chain_progress"]

Report = Callable[[str, int, MCMCKernel], object]

_REFRESH = 0.2  # seconds


@contextmanager
def chain_progress(chains: int, total: int, show: bool) -> Iterator[Callable[[int], Report]]:
    """Bars for chains of so many steps, silent unless standard error is a terminal.

    Yields a function from a chain's number to its report.
    """
    console = Console(stderr=True)
    if not (show and console.is_terminal and settings.get("progress")):
        yield lambda number: lambda stage, step, kernel: None
        return
    columns = (
        TextColumn("{task.description}"),
        TextColumn("{task.completed:>6}/{task.total}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        yield lambda number: _report(progress, number, total)


def _report(progress: Progress, number: int, total: int) -> Report:
    task = progress.add_task(f"chain {number}", total=total, figures="")
    done, drawn = 0, 0.0

    def report(stage: str, step: int, kernel: MCMCKernel) -> None:
        nonlocal done, drawn
        done, now = done + 1, time.perf_counter()
        if now - drawn >= _REFRESH or done == total:
            drawn = now
            figures: dict[str, Any] = kernel.logging() or {}
            shown = ", ".join(f"{name} {value}" for name, value in figures.items())
            progress.update(task, completed=done, figures=f"{stage.lower()} {shown}", refresh=True)

    return report
