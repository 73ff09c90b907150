"""Tables: printed in a terminal, and written as Markdown between two markers of benchmarks/README.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rich
import rich.table

README = Path(__file__).resolve().parents[1] / "README.md"


@dataclass
class Table:
    """Rows of text under a title; the first column is aligned left and all others right."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def show(self) -> None:
        """Print in the terminal."""
        table = rich.table.Table(title=self.title, title_justify="left")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        rich.print(table)

    def markdown(self) -> str:
        """The same table in Markdown."""
        lines = [self.columns, [":--"] + ["--:"] * (len(self.columns) - 1), *self.rows]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(section: str, text: str, path: Path = README) -> None:
    """Replace what stands between ``<!-- SECTION:begin -->`` and ``<!-- SECTION:end -->``.

    Raises:
        ValueError: the file lacks one of the markers.
    """
    begin, end = f"<!-- {section}:begin -->", f"<!-- {section}:end -->"
    before = path.read_text()
    if begin not in before or end not in before:
        raise ValueError(f"{path.name} has no place for {section!r}; add the lines {begin} and {end}.")
    head, rest = before.split(begin, 1)
    tail = rest.split(end, 1)[1]
    path.write_text(f"{head}{begin}\n{text.strip()}\n{end}{tail}")
