"""Imports go down only, as the table in docs/design.md says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.source import FILES, PACKAGE, ROOT


def test_imports_go_down_only() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_design_names_every_room() -> None:
    design = (ROOT / "docs" / "design.md").read_text()
    floors = design.split("## Floors")[1].split("\n## ")[0]
    inside = {path.relative_to(PACKAGE).parts for path in FILES}
    rooms = sorted({parts[0] + "/" * (len(parts) > 1) for parts in inside})
    missing = [room for room in rooms if f"{room}`" not in floors]
    assert not missing, f"docs/design.md gives no floor to {missing}."
