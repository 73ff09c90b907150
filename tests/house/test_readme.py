"""The README begins with the two commands that matter."""

from __future__ import annotations

import re

from tests.house.source import ROOT

SHELL = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_first_two_commands() -> None:
    blocks = SHELL.findall((ROOT / "README.md").read_text())
    lines = [line.split("#")[0].removeprefix("$ ").strip() for block in blocks for line in block.splitlines()]
    assert [line for line in lines if line][:2] == ["make demo", "make test"]
