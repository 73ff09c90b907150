"""The table of a posterior: a row for each entry of each variable."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from virgil.infer.ladder.weighed import Weighed

__all__ = ["WIDTH", "table"]

WIDTH = 120  # of a terminal
_FOLDED = 10  # entries of a variable that are shown, where it has more than twice as many
_PROBABILITIES = (0.05, 0.5, 0.95)


def table(weighed: Weighed) -> str:
    """Mean, standard deviation, quantiles, and the number of independent draws that a mean is worth."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("variable", "mean", "sd", "5 %", "50 %", "95 %", "draws worth"):
        found.add_column(heading, justify="left" if heading == "variable" else "right")
    for name in weighed.values:
        for row in _rows(weighed, name):
            found.add_row(*row)
    console = Console(width=WIDTH, no_color=True)
    with console.capture() as capture:
        console.print(found)
    return "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip())


def _rows(weighed: Weighed, name: str) -> Iterator[tuple[str, ...]]:
    mean, sd = weighed.moments(name)
    quantiles = weighed.quantiles(name, torch.tensor(_PROBABILITIES))
    columns = torch.stack([mean, sd, *quantiles]).reshape(2 + len(_PROBABILITIES), -1)
    worth, shape = weighed.effective[name].reshape(-1), mean.shape
    shown = len(worth) if len(worth) <= 2 * _FOLDED else _FOLDED
    for entry in range(shown):
        place = ", ".join(str(int(each)) for each in torch.unravel_index(torch.tensor(entry), shape)) if shape else ""
        label = f"{name}[{place}]" if place else name
        draws = float(worth[entry])
        yield label, *(f"{float(each):.4g}" for each in columns[:, entry]), "" if draws != draws else f"{draws:,.0f}"
    if shown < len(worth):
        least = float(worth[worth.isfinite()].min()) if bool(worth.isfinite().any()) else float("nan")
        yield f"{name}: {len(worth) - shown:,} more", "", "", "", "", "", f"{least:,.0f} or more"
