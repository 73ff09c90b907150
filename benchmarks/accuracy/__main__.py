"""``python -m benchmarks.accuracy``: how near fits come to known posteriors, and if their verdicts are right."""

from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path

from rich.console import Console

from benchmarks.accuracy.known import read
from benchmarks.accuracy.methods import METHODS
from benchmarks.accuracy.posteriors import POSTERIORS
from benchmarks.accuracy.report import TABLES, every_row
from benchmarks.accuracy.rows import Row, read_rows, rows_of, write_rows
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import write


def rows(args: argparse.Namespace) -> list[Row]:
    """The rows of all fits that are asked for, until the time is over; a file's are not computed again."""
    begin, known, console = time.perf_counter(), read(), Console(stderr=True)
    kept = read_rows(args.rows) if args.rows is not None and args.rows.exists() else []
    found: list[Row] = []
    for name, key in product(args.posteriors, args.methods):
        answers = METHODS[key].answers
        old = [row for row in kept if row.posterior == name and row.method in answers]
        if not old and time.perf_counter() - begin > args.seconds:
            console.print(f"{args.seconds:.0f} seconds are over; {name!r} by {key} is left out.")
            continue
        if not old:
            console.print(f"{time.perf_counter() - begin:5.0f} s  {name}, {key}", highlight=False)
            old = rows_of(POSTERIORS[name], known[name], METHODS[key], args.check)
            kept += old
            if args.rows is not None:
                write_rows(kept, args.rows)
        found += old
    return found


def arguments() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--posteriors", nargs="+", choices=list(POSTERIORS), default=list(POSTERIORS), metavar="NAME")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="KEY")
    parser.add_argument("--seconds", type=float, default=1_200.0, help="begin no further fit after so many")
    parser.add_argument("--no-check", dest="check", action="store_false", help="ask no fit for its verdict")
    parser.add_argument("--rows", type=Path, help="a JSON file of rows: those in it stay, others are added")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    return parser.parse_args()


def main() -> None:
    """Print the tables, and write all but the first into benchmarks/README.md if no fit was left out."""
    args, before = arguments(), load()
    found = rows(args)
    every_row(found).show()
    tables = [make(found) for make in TABLES]
    for table in tables:
        table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.accuracy", before)
    print("\n".join(notes))
    whole = len({(row.posterior, row.method) for row in found}) == len(POSTERIORS) * sum(
        len(method.answers) for method in METHODS.values()
    )
    if whole and args.check and not args.no_write:
        write("accuracy", "\n\n".join([*(table.markdown() for table in tables), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
