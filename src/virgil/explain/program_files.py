"""Programs that stand in files, by file and name: ``"fit.py:model"``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from virgil.errors import ArgumentError, did_you_mean

__all__ = ["made_by", "named_in_file"]


def named_in_file(reference: str, files: dict[Path, ModuleType]) -> Any:
    """A name of a file, which is run as ``import`` runs it, unless it is among ``files`` already.

    Raises:
        ArgumentError: there is no such file or name, or the file raises an exception.
    """
    file, _, name = reference.rpartition(":")
    if not file or not name:
        raise ArgumentError(f"{reference!r} names no program. Write FILE:NAME, as in fit.py:model.")
    path = Path(file).resolve()
    if path not in files:
        files[path] = _run(file, path)
    names = vars(files[path])
    if name not in names:
        known = [each for each, value in names.items() if callable(value) and not each.startswith("_")]
        raise ArgumentError(f"There is no {name!r} in {file}. {did_you_mean(name, known)}")
    return names[name]


def _run(file: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(f"explained_{path.stem}", path) if path.suffix == ".py" else None
    if spec is None or spec.loader is None or not path.is_file():
        raise ArgumentError(f"There is no Python file {file!r}.")
    module = sys.modules[spec.name] = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ArgumentError(f"Running {file} raised {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def made_by(function: Callable[[], Any], name: str) -> Any:
    """The arguments that a function of a file makes.

    Raises:
        ArgumentError: it raises an exception.
    """
    try:
        return function()
    except Exception as error:
        raise ArgumentError(
            f"--args {name} raised {type(error).__name__}: {error}. It is called without arguments and returns those "
            "of model and guide."
        ) from error
