"""The README begins with the two commands that matter, and the Python in the documents runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.house.source import ROOT, name_of

NOT_RUN = "<!-- not run -->"
# a fenced block of Python, with the comment before it that says it is not for running
BLOCK = re.compile(rf"(?P<skip>{NOT_RUN}\s*\n)?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_first_two_commands() -> None:
    blocks = SHELL.findall((ROOT / "README.md").read_text())
    lines = [line.split("#")[0].removeprefix("$ ").strip() for block in blocks for line in block.splitlines()]
    assert [line for line in lines if line][:2] == ["make demo", "make test"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_the_python_of_a_document_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of one document are one program; what they write goes to an empty folder."""
    text = path.read_text()
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": path.stem}
    for block in BLOCK.finditer(text):
        if block["skip"]:
            continue
        # empty lines before the code, so that a traceback shows the document's own line
        above = text.count("\n", 0, block.start("code"))
        exec(compile("\n" * above + block["code"], str(path), "exec"), namespace)  # noqa: S102 the documents are our own
