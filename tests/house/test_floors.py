"""Imports go down only, as the table in docs/design.md says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.drawing import HOUSES, arrows, drawn_arrows, shown, upward
from tests.house.source import FILES, PACKAGE, ROOT

LINTER = Path(sys.executable).with_name("lint-imports")


@pytest.mark.skipif(not LINTER.exists(), reason="needs import-linter")
def test_imports_go_down_only() -> None:
    result = subprocess.run([LINTER, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_design_names_every_room() -> None:
    design = (ROOT / "docs" / "design.md").read_text()
    floors = design.split("## Floors")[1].split("\n## ")[0]
    inside = {path.relative_to(PACKAGE).parts for path in FILES}
    rooms = sorted({parts[0] + "/" * (len(parts) > 1) for parts in inside})
    missing = [room for room in rooms if f"{room}`" not in floors]
    assert not missing, f"docs/design.md gives no floor to {missing}."


@pytest.mark.parametrize("house", HOUSES)
def test_no_arrow_of_the_drawing_goes_up(house: str) -> None:
    assert not upward(house)


@pytest.mark.parametrize("house", HOUSES)
def test_the_drawing_is_of_the_code(house: str) -> None:
    assert drawn_arrows(house) == shown(arrows(house)), "The drawing is out of date: make drawing"


def test_arrows_that_follow_from_others_are_left_out() -> None:
    assert shown({("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("a", "c")}) == {("a", "b"), ("b", "c"), ("c", "d")}
    assert shown({("a", "c"), ("b", "c")}) == {("a", "c"), ("b", "c")}
