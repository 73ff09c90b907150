"""What a page says a program prints is what it prints: a ``text`` block after a ``python`` block is compared.

``python -m tests.test_docs`` writes what is printed now into the pages; look at the difference before you commit it.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.source import ROOT, name_of

# a block of Python, and right after it, if anything, what it prints
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<printed>.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)  # where `]( )` is an index and a call
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [path for path in DOCS if any(block["printed"] is not None for block in BLOCK.finditer(path.read_text()))]


def _runs(path: Path) -> Iterator[tuple[re.Match[str], str]]:
    """Run the blocks of a page, in one namespace: each with what it printed."""
    text = path.read_text()
    namespace: dict[str, Any] = {"__name__": path.stem}
    for block in BLOCK.finditer(text):
        above = text.count("\n", 0, block.start("code"))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * above + block["code"], str(path), "exec"), namespace)  # noqa: S102 the pages are our own
        yield block, "".join(f"{line.rstrip()}\n" for line in printed.getvalue().rstrip().splitlines())


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_prints_what_it_says(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block, printed in _runs(path):
        if block["printed"] is not None:
            assert printed == block["printed"], f"{name_of(path)} is out of date: python -m tests.test_docs"


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [target for target in LINK.findall(CODE.sub("", path.read_text())) if not (path.parent / target).exists()]
    assert not broken


def _write(path: Path) -> None:
    text, pieces, done = path.read_text(), [], 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block, printed in _runs(path):
            if block["printed"] is not None:
                pieces += [text[done : block.start("printed")], printed]
                done = block.end("printed")
    path.write_text("".join([*pieces, text[done:]]))


if __name__ == "__main__":
    for page in PAGES:
        _write(page)
