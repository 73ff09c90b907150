"""A test says what must hold: by an assert, by an error that it expects, or by a helper of the tests that does."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.house.source import ROOT, functions, name_of

Function = ast.FunctionDef | ast.AsyncFunctionDef

TESTS = sorted((ROOT / "tests").rglob("*.py"))
EXPECTING = {"raises", "warns", "fail"}  # of pytest


def test_every_test_asserts_something() -> None:
    tests = [(path, each) for path in TESTS for each in _functions(path) if each.name.startswith("test")]
    silent = [f"{name_of(path)}: {test.name}" for path, test in tests if not _asserts(path, test, set())]
    assert not silent, f"Tests that assert nothing: {silent}."


def _asserts(path: Path, function: Function, seen: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in EXPECTING or node.func.attr.startswith("assert_"):
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in seen:
            seen.add(node.func.id)
            if any(_asserts(*helper, seen) for helper in _helpers(path, node.func.id)):
                return True
    return False


def _helpers(path: Path, name: str) -> list[tuple[Path, Function]]:
    """The functions that a name means in a file of tests: its own, or those of another file that it imports."""
    there, original = _imported(path).get(name, (path, name))
    return [(there, each) for each in _functions(there) if each.name == original]


@cache
def _functions(path: Path) -> list[Function]:
    return list(functions(path))


@cache
def _imported(path: Path) -> dict[str, tuple[Path, str]]:
    """By the name that a file of tests gives it: what it imports from which other."""
    return {
        alias.asname or alias.name: (ROOT / f"{node.module.replace('.', '/')}.py", alias.name)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.")
        for alias in node.names
    }
