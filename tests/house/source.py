"""Where the house's files are, and what is public in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "virgil"
FILES = sorted(PACKAGE.rglob("*.py"))
# each docstring, comment and line of the house that a reader may see
_PATTERNS = ["src/**/*.py", "tests/**/*.py", "benchmarks/**/*.py", "benchmarks/**/*.md", "docs/**/*.md"]
_PATTERNS += ["*.md", "*.toml", "*.txt", "Makefile", ".ci/run"]
TEXTS = sorted(path for pattern in _PATTERNS for path in ROOT.glob(pattern))


def name_of(path: Path) -> str:
    """A file's path as a reader of the repository writes it."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def module_name(path: Path) -> str:
    """The dotted name by which a file of the package is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [module_name(path) for path in FILES if path.stem != "__main__"]
# those that say by `__all__` what is public in them
EXPORTING = [module_name(path) for path in FILES if "\n__all__ = " in path.read_text()]
