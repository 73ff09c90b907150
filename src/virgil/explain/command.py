"""The arguments of ``virgil explain``: programs by file and name, an objective by name, arguments from a function."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from virgil import infer
from virgil.errors import ArgumentError, did_you_mean
from virgil.explain.examine import explain
from virgil.explain.report import Report
from virgil.infer.checks.finding import Subject
from virgil.infer.checks.signature import signature_problems
from virgil.infer.elbo import ELBO
from virgil.poutine.trace import Trace

__all__ = ["explain_files"]

_OBJECTIVES = {
    name: each
    for name, each in vars(infer).items()
    if isinstance(each, type) and issubclass(each, ELBO) and each is not ELBO
}


def explain_files(model: str, guide: str, loss: str | None = None, args: str | None = None) -> Report:
    """The report on programs that stand in files. The files are run, as ``import`` runs them.

    Args:
        model: where it is, as in ``"fit.py:model"``.
        guide: likewise.
        loss: the name of an objective of ``virgil.infer``.
        args: the name of a function without arguments, in the model's file, that returns the arguments of both
            programs: a tuple of several, a dict of keyword arguments, or one.

    Raises:
        ArgumentError: a file, name or objective that is not there, a file that raises an exception, or a program that
            takes arguments where none are given.
    """
    if loss is not None and loss not in _OBJECTIVES:
        raise ArgumentError(f"There is no objective {loss!r}. {did_you_mean(loss, _OBJECTIVES)}")
    files: dict[Path, ModuleType] = {}
    programs = [_named(reference, files) for reference in (model, guide)]
    if args is None:
        _check_no_arguments(model, guide, programs)
    given = () if args is None else _made(_named(f"{model.rpartition(':')[0]}:{args}", files), args)
    objective = None if loss is None else _OBJECTIVES[loss]()
    if isinstance(given, dict):
        return explain(*programs, loss=objective, **given)
    return explain(*programs, *(given if isinstance(given, tuple) else (given,)), loss=objective)


def _named(reference: str, files: dict[Path, ModuleType]) -> Any:
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


def _check_no_arguments(model: str, guide: str, programs: list[Any]) -> None:
    """Raise an error where a program needs arguments, of which none are given."""
    for reference, program in zip((model, guide), programs, strict=True):
        problems = signature_problems(Subject(Trace(), Trace(), {"program": program}))
        if callable(program) and any(True for _ in problems):
            name = reference.rpartition(":")[2]
            raise ArgumentError(
                f"{reference} is {name}{inspect.signature(program)}, which takes arguments, and none were given. Write "
                f"--args NAME, where NAME is a function in {model.rpartition(':')[0]} that takes nothing and returns "
                "them."
            )


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


def _made(function: Callable[[], Any], name: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise ArgumentError(
            f"--args {name} raised {type(error).__name__}: {error}. It is called without arguments and returns those "
            "of model and guide."
        ) from error
