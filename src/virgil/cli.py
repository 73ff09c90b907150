"""The command ``virgil``.

Exit codes: 0 done, 1 a demo failed with an error that Virgil explains, or a report has errors, 2 the command line is
wrong, 130 Ctrl-C. `virgil run` ends as its program does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from rich.console import Console

import virgil
from virgil.errors import ArgumentError, VirgilError
from virgil.examples.registry import DEFAULT, DEMOS, find
from virgil.explain.command import explain_files
from virgil.explain.program_files import made_by, named_in_file
from virgil.infer.ladder.table_file import arguments_of, columns_of
from virgil.pyro.finder import install
from virgil.pyro.main_program import USAGE
from virgil.pyro.main_program import run as run_main
from virgil.pyro.old_files import convert

__all__ = ["main"]

Commands = Any  # what argparse gives for its subcommands has no public name

_FAILED, _WRONG_USE, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``, by default that of the process; returns the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv[:1] == ["run"] and argv[1:] and argv[1] not in ("-h", "--help"):
        return _run(argv[1:])  # options after a script are the script's
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="virgil", description="A probabilistic programming language for PyTorch.")
    parser.add_argument("--version", action="version", version=f"virgil {virgil.__version__}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    _add_demo(commands)
    _add_explain(commands)
    _add_fit(commands)
    _add_run(commands)
    _add_convert(commands)
    return parser


def _add_demo(commands: Commands) -> None:
    demo = commands.add_parser("demo", help="fit a real model, print the answer beside the known one, draw the fit")
    demo.add_argument("name", nargs="?", default=DEFAULT, help=f"{', '.join(DEMOS)} (default: {DEFAULT})")
    demo.add_argument("--list", action="store_true", help="say what each demo does, and stop")
    demo.add_argument("--steps", type=_positive, metavar="N", help="steps of each fit (default: the demo's own)")
    demo.add_argument("--seed", type=_natural, metavar="N", help="seed of the random numbers (default: the demo's own)")
    demo.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="where pictures go (default: demo)")
    demo.set_defaults(run=_demo)


def _add_explain(commands: Commands) -> None:
    about = "say how a model and a guide fit together: a row a site, and every problem with its cure"
    explain = commands.add_parser("explain", help=about, description=f"{about.capitalize()}. The files are run.")
    explain.add_argument(
        "model", metavar="FILE:MODEL", help="a file and the name of the model in it, as in fit.py:model"
    )
    explain.add_argument("guide", metavar="FILE:GUIDE", help="likewise the guide")
    explain.add_argument("--loss", metavar="NAME", help="an objective of virgil.infer (default: by what is marked)")
    explain.add_argument(
        "--args", metavar="NAME", help="a function without arguments in the model's file that returns those of both"
    )
    explain.set_defaults(run=_explain)


def _add_fit(commands: Commands) -> None:
    about = "fit a model to a table, print the posterior, and say how far to trust it"
    fit = commands.add_parser("fit", help=about, description=f"{about.capitalize()}. The files are run.")
    fit.add_argument("model", metavar="FILE:MODEL", help="a file and the name of the model in it, as in fit.py:model")
    given = fit.add_mutually_exclusive_group()
    given.add_argument("--data", type=Path, metavar="CSV", help="a table whose columns are the model's arguments")
    given.add_argument("--args", metavar="NAME", help="a function without arguments in the file that returns them")
    fit.add_argument("--budget", default="auto", metavar="B", help="quick, auto, thorough, or seconds (default: auto)")
    fit.add_argument("--seed", type=_natural, default=0, metavar="N", help="seed of the random numbers (default: 0)")
    fit.set_defaults(run=_fit)


def _add_run(commands: Commands) -> None:
    about = "run a program in which `import pyro` yields Virgil"
    run = commands.add_parser("run", help=about, description=f"R{about[1:]}.", usage=f"virgil run {USAGE}")
    run.add_argument("program", nargs="+", help="a script, -m and a module, or -c and a text; then its arguments")
    run.set_defaults(run=lambda args: _run(args.program))


def _run(program: list[str]) -> int:
    install()
    return run_main(program)


def _add_convert(commands: Commands) -> None:
    about = "make a file of Virgil's of an old, pickled one of parameters, of an optimiser's state or of a module"
    convert = commands.add_parser("convert", help=about, description=f"{about.capitalize()}. Nothing in it is run.")
    convert.add_argument("old", type=Path, metavar="OLD", help="the file to read")
    convert.add_argument("new", type=Path, metavar="NEW", help="the safetensors file to write")
    convert.set_defaults(run=_convert)


def _whole_number(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, {least} or more")
    return int(text)


def _positive(text: str) -> int:
    return _whole_number(text, 1)


def _natural(text: str) -> int:
    return _whole_number(text, 0)


def _print_list() -> None:
    width = max(map(len, DEMOS))
    for demo in DEMOS.values():
        print(f"{demo.name:<{width}}  {demo.about}")


def _explain(args: argparse.Namespace) -> int:
    try:
        report = explain_files(args.model, args.guide, args.loss, args.args)
    except ArgumentError as error:
        return _say(error, _WRONG_USE)
    Console().print(report)
    return _FAILED if report.errors else 0


def _fit(args: argparse.Namespace) -> int:
    files: dict[Path, ModuleType] = {}
    try:
        model = named_in_file(args.model, files)
        given: Any = ()
        if args.args is not None:
            given = made_by(named_in_file(f"{args.model.rpartition(':')[0]}:{args.args}", files), args.args)
        elif args.data is not None:
            given = arguments_of(model, columns_of(args.data))
        budget = float(args.budget) if args.budget.replace(".", "", 1).isdigit() else args.budget
        options: dict[str, Any] = {"budget": budget, "seed": args.seed}
        if isinstance(given, dict):
            found = virgil.fit(model, **given, **options)
        else:
            found = virgil.fit(model, *(given if isinstance(given, tuple) else (given,)), **options)
    except ArgumentError as error:
        return _say(error, _WRONG_USE)
    except VirgilError as error:
        return _say(error, _FAILED)
    print(found.summary())
    return 0


def _convert(args: argparse.Namespace) -> int:
    try:
        kind = convert(args.old, args.new)
    except (VirgilError, OSError) as error:
        return _say(error, _FAILED)
    print(f"{args.new}: {kind}")
    return 0


def _demo(args: argparse.Namespace) -> int:
    if args.list:
        _print_list()
        return 0
    try:
        demo = find(args.name)
    except ArgumentError as error:
        return _say(error, _WRONG_USE)
    torch.set_num_threads(1)  # the demos' tensors are small: threads would wait for each other longer than they work
    given = {key: value for key in ("steps", "seed", "out") if (value := getattr(args, key)) is not None}
    try:
        demo.main(**given)
    except VirgilError as error:
        return _say(error, _FAILED)
    except OSError as error:  # the folder for pictures cannot be made or written
        return _say(error, _FAILED)
    return 0


def _say(error: Exception, code: int) -> int:
    print(f"virgil: {error}", file=sys.stderr)
    return code
