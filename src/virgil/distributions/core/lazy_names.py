"""Names of a package that are loaded when a program first asks for them.

A program uses a few of a hundred families, and to load them all takes longer than to load the rest of the language.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from virgil.ops.absent_names import absent

__all__ = ["load_from", "one_a_file", "snake_case"]

_Hooks = tuple[Callable[[str], Any], Callable[[], list[str]]]
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """The name of a class's file.

    >>> [snake_case(name) for name in ("StudentT", "LKJCholesky", "DiscreteHMM", "Chi2")]
    ['student_t', 'lkj_cholesky', 'discrete_hmm', 'chi2']
    """
    return _WORD.sub("_", name).lower()


def one_a_file(package: str, names: Iterable[str]) -> _Hooks:
    """``__getattr__`` and ``__dir__`` of a package whose classes stand one in a file, each named after its class."""
    return load_from(package, {name: f"{package}.{snake_case(name)}" for name in names})


def load_from(package: str, modules: Mapping[str, str]) -> _Hooks:
    """``__getattr__`` and ``__dir__`` of a package whose names come from these modules, by name."""

    def load(name: str) -> Any:
        here = sys.modules[package]
        if name not in modules:
            raise absent(package, name, modules, sys._getframe(1))
        value = getattr(import_module(modules[name]), name)
        setattr(here, name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return load, names
