"""A page as a program: its blocks of Python, what it says they print, and how near the printed figures must come.

A ``text`` block right after a ``python`` block is what the latter prints. A comment on the line before it says how the
two are compared; without one they are the same text.

* ``<!-- figures within 5 % -->``: words are the same, and each figure differs by at most 5 % of the page's. One with a
  decimal point may differ by one unit of its last place besides: values so near one another can be rounded apart.
* ``<!-- example output -->``: words are the same, and there are as many figures, whatever they are.

In both, the width of columns and rules is of no account, because it follows from the figures.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

__all__ = ["Block", "blocks", "difference", "run"]

NOT_RUN = "not run"
EXAMPLE = "example output"
WITHIN = re.compile(r"figures within (\d+(?:\.\d+)?) %")
BLOCK = re.compile(
    r"(?:^<!-- (?P<before>[^\n]*) -->\n)?^```python\n(?P<code>.*?)^```$"
    r"(?:\n\n(?:<!-- (?P<rule>[^\n]*) -->\n)?```text\n(?P<printed>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
# not the digits of a name, as in z_1 or obs2; thousands may be set apart by commas
FIGURE = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w)")


@dataclass(frozen=True)
class Block:
    """A block of Python.

    Attributes:
        code: the code, after as many empty lines as bring it to its line of the page.
        printed: the text that the page says it prints; ``None`` where it says nothing.
        rule: the comment that says how to compare.
        span: from where to where ``printed`` stands in the page.
    """

    code: str
    printed: str | None
    rule: str | None
    span: tuple[int, int]


def blocks(text: str) -> list[Block]:
    """The blocks of a page that are for running.

    Raises:
        ValueError: a comment at a block is none of those that mean something.
    """
    found = []
    for each in BLOCK.finditer(text):
        for comment, known in ((each["before"], NOT_RUN), (each["rule"], EXAMPLE)):
            if comment not in (None, known) and (known == NOT_RUN or not WITHIN.fullmatch(comment)):
                raise ValueError(f"the comment {comment!r} at a block means nothing; see tests/house/pages.py")
        if each["before"] is None:
            lines = text.count("\n", 0, each.start("code"))
            found.append(Block("\n" * lines + each["code"], each["printed"], each["rule"], each.span("printed")))
    return found


def run(path: Path) -> Iterator[tuple[Block, str]]:
    """Run the blocks of a page in one namespace: each with the text that it printed."""
    namespace: dict[str, Any] = {"__name__": path.stem}
    for block in blocks(path.read_text()):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, str(path), "exec"), namespace)  # noqa: S102 the pages are our own
        yield block, "".join(f"{line.rstrip()}\n" for line in printed.getvalue().rstrip().splitlines())


def difference(printed: str, page: str, rule: str | None = None) -> str | None:
    """The first difference that the rule does not allow, in words; ``None`` if there is none."""
    if rule is None:
        return None if printed == page else f"it prints\n\n{printed}\nand the page says\n\n{page}"
    words, said = (_words(each) for each in (printed, page))
    if words != said:
        return f"it prints the words\n\n{words}\n\nand the page says\n\n{said}"
    if rule == EXAMPLE:
        return None
    within = Decimal(WITHIN.fullmatch(rule)[1]) / 100
    for figure, expected in zip(FIGURE.findall(printed), FIGURE.findall(page), strict=True):
        if not _is_near(figure, expected, within):
            return f"it prints {figure} where the page says {expected}, with {rule}"
    return None


def _words(text: str) -> str:
    """The text with a mark for each figure, and without the widths of columns and rules."""
    return " ".join(re.sub("─+", "─", FIGURE.sub("#", text)).split())


def _is_near(figure: str, expected: str, within: Decimal) -> bool:
    value, center = (Decimal(each.replace(",", "")) for each in (figure, expected))
    unit = Decimal(1).scaleb(center.as_tuple().exponent) if "." in expected else 0
    return abs(value - center) <= within * abs(center) + unit
