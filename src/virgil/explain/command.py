"""The arguments of ``virgil explain``: programs by file and name, an objective by name, arguments from a function."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from virgil import infer
from virgil.errors import ArgumentError, did_you_mean
from virgil.explain.examine import explain
from virgil.explain.program_files import made_by, named_in_file
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
    programs = [named_in_file(reference, files) for reference in (model, guide)]
    if args is None:
        _check_no_arguments(model, guide, programs)
    given = () if args is None else made_by(named_in_file(f"{model.rpartition(':')[0]}:{args}", files), args)
    objective = None if loss is None else _OBJECTIVES[loss]()
    if isinstance(given, dict):
        return explain(*programs, loss=objective, **given)
    return explain(*programs, *(given if isinstance(given, tuple) else (given,)), loss=objective)


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
