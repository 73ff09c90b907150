"""Where the house's files are, and what is public in them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

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


def module_names() -> list[str]:
    """The dotted name of every module of the package, the package first."""
    import virgil

    found = pkgutil.walk_packages(virgil.__path__, "virgil.")
    return ["virgil", *(module.name for module in found if not module.name.endswith("__main__"))]


def modules_with_exports() -> list[ModuleType]:
    """Every module that says by ``__all__`` what is public in it."""
    modules = [importlib.import_module(name) for name in module_names()]
    return [module for module in modules if hasattr(module, "__all__")]
