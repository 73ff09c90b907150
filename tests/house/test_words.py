"""Nothing in the house speaks of one person's machine, and no file is a drawer for leftovers."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess

import pytest

from tests.house.source import FILES, PACKAGE, ROOT, TEXTS, name_of

# in two pieces, so that this file does not find itself
FOREIGN = re.compile("|".join(rf"/{folder}(?:/|\b)" for folder in ("work", "tmp", "root")))
DRAWERS = {"util", "utils", "misc", "helper", "helpers", "common"}
# public module paths from which existing programs import
KEPT = {
    "src/virgil/distributions/util.py",
}


def test_no_paths_of_a_machine() -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert not found, "Paths of one machine:\n" + "\n".join(found)


def test_no_drawers() -> None:
    found = [
        name_of(path) for path in [*FILES, *PACKAGE.rglob("*/")] if path.stem in DRAWERS and name_of(path) not in KEPT
    ]
    assert not found, f"Name a file for its concept: {found}."


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="not a checkout")
def test_git_ignores_no_source() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *(name_of(path) for path in [*FILES, *TEXTS])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert not ignored, f".gitignore would lose sources: {sorted(set(ignored))}."


UNSAID = {"What", "Whether", "That", "Those", "Which"}


def test_docstrings_name_the_thing_first() -> None:
    """A subject that is a clause must be read twice: a docstring says what the thing is, has, does or returns."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        f"{name_of(path)}: {text.splitlines()[0]}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, documented) and (text := ast.get_docstring(node)) and text.split()[0].strip(",") in UNSAID
    ]
    assert not found, "\n".join(found)
