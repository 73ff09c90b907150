"""The alias in the processes that ``multiprocessing`` starts: they must have it before they look for ``pyro``.

A child that is forked has what its parent has. One that is spawned, or forked from a server, reads *preparation data*,
imports the parent's main file by them, and then reads what it is to run. The data are the first thing that it reads,
so an entry that installs the alias as it is unpickled comes before all else.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing import forkserver, spawn
from pathlib import Path
from typing import Any

__all__ = ["hand_on"]

_ENTRY = "virgil.as_pyro"
_FOLDER = str(Path(__file__).parents[2])


class _Alias:
    """An object that is made, in the process that unpickles it, by importing the alias."""

    def __init__(self, search: list[str]) -> None:
        self._search = search if _FOLDER in search else [*search, _FOLDER]

    def __reduce__(self) -> tuple[Any, ...]:
        # the child has not got its parent's search path yet, and nothing of Virgil can be named before it has
        return exec, (f"import sys; sys.path[:] = {self._search!r}; import {_ENTRY}",)


def hand_on() -> None:
    """Let the processes that this one starts have the alias."""
    prepare = spawn.get_preparation_data
    if hasattr(prepare, "__wrapped__") and prepare.__module__ == __name__:
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        data: dict[str, Any] = prepare(name)
        return {_ENTRY: _Alias(data.get("sys_path", sys.path)), **data}

    get_preparation_data.__wrapped__ = prepare  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data
    # in some versions of Python the server imports the main file, and it reads no data before it does
    if getattr(forkserver._forkserver, "_preload_modules", None) == ["__main__"]:
        multiprocessing.set_forkserver_preload([])
