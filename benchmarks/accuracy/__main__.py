"""``python -m benchmarks.accuracy``: how near fits come to known posteriors, and if their verdicts are right."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.accuracy.known import read
from benchmarks.accuracy.methods import METHODS
from benchmarks.accuracy.posteriors import POSTERIORS
from benchmarks.accuracy.report import TABLES, every_row
from benchmarks.accuracy.rows import Row, rows_of
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import write


def rows(args: argparse.Namespace) -> Iterator[Row]:
    """The rows of all fits that are asked for, until the time is over."""
    begin, known, console = time.perf_counter(), read(), Console(stderr=True)
    for name in args.posteriors:
        for key in args.methods:
            if time.perf_counter() - begin > args.seconds:
                console.print(f"{args.seconds:.0f} seconds are over; {name!r} by {key} and all after it are left out.")
                return
            console.print(f"{time.perf_counter() - begin:5.0f} s  {name}, {key}", highlight=False)
            yield from rows_of(POSTERIORS[name], known[name], METHODS[key], args.check)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--posteriors", nargs="+", choices=list(POSTERIORS), default=list(POSTERIORS), metavar="NAME")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="KEY")
    parser.add_argument("--seconds", type=float, default=1_200.0, help="begin no further fit after so many")
    parser.add_argument("--no-check", dest="check", action="store_false", help="ask no fit for its verdict")
    parser.add_argument("--rows", type=Path, help="a file for all rows, as JSON")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    return parser.parse_args()


def main() -> None:
    """Print the tables, and write all but the first into benchmarks/README.md if no fit was left out."""
    args, before = arguments(), load()
    found = list(rows(args))
    every_row(found).show()
    tables = [make(found) for make in TABLES]
    for table in tables:
        table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.accuracy", before)
    print("\n".join(notes))
    if args.rows is not None:
        args.rows.write_text(json.dumps([asdict(row) for row in found], indent=1))
    whole = len({(row.posterior, row.method) for row in found}) == len(POSTERIORS) * sum(
        len(method.answers) for method in METHODS.values()
    )
    if whole and args.check and not args.no_write:
        write("accuracy", "\n\n".join([*(table.markdown() for table in tables), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
