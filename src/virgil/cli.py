"""The command ``virgil``.

Exit codes: 0 done, 1 a demo failed with an error that Virgil explains, 2 the command line is wrong, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

import virgil
from virgil.errors import ArgumentError, VirgilError
from virgil.examples.registry import DEFAULT, DEMOS, find

__all__ = ["main"]

_FAILED, _WRONG_USE, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``, by default that of the process; returns the exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    if args.list:
        _print_list()
        return 0
    return _run_demo(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="virgil", description="A probabilistic programming language for PyTorch.")
    parser.add_argument("--version", action="version", version=f"virgil {virgil.__version__}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    demo = commands.add_parser("demo", help="fit a real model, print the answer beside the known one, draw the fit")
    demo.add_argument("name", nargs="?", default=DEFAULT, help=f"{', '.join(DEMOS)} (default: {DEFAULT})")
    demo.add_argument("--list", action="store_true", help="say what each demo does, and stop")
    demo.add_argument("--steps", type=_positive, metavar="N", help="steps of each fit (default: the demo's own)")
    demo.add_argument("--seed", type=_natural, metavar="N", help="seed of the random numbers (default: the demo's own)")
    demo.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="where pictures go (default: demo)")
    return parser


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


def _run_demo(args: argparse.Namespace) -> int:
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
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _say(error: Exception, code: int) -> int:
    print(f"virgil: {error}", file=sys.stderr)
    return code
