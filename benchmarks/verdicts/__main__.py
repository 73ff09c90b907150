"""``python -m benchmarks.verdicts``: how often verdicts on short fits of known posteriors are wrong or needless."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import torch

from benchmarks.accuracy.known import Known, Moments, read
from benchmarks.accuracy.methods import METHODS
from benchmarks.accuracy.posteriors import POSTERIORS
from benchmarks.accuracy.posteriors.posterior import Posterior
from benchmarks.accuracy.report import methods_of, wrong_trusts
from benchmarks.accuracy.rows import Row, read_rows, rows_of, write_rows
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write
from benchmarks.verdicts.standing import STANDING

SHORT = ("laplace", "path", "dadvi")  # methods whose fits take seconds


def known_posteriors() -> list[tuple[Posterior, Known]]:
    """Those of ``benchmarks.accuracy`` and those in closed form, in turn cheap and dear."""
    known = read()
    found = [(each, _closed(each)) for each in STANDING.values()]
    return found + [(each, known[name]) for name, each in POSTERIORS.items()]


def _closed(posterior: Posterior) -> Known:
    if posterior.exact is None:
        raise ValueError(f"{posterior.name!r} has no closed form")
    moments = {
        name: Moments(mean.reshape(-1).tolist(), sd.reshape(-1).tolist(), *([0.0] * mean.numel(),) * 2)
        for name, (mean, sd) in posterior.exact().items()
    }
    return Known("closed form", moments, 1.0, 1e6, 0, 0)


def rates(rows: Sequence[Row]) -> Table:
    """A line for each method: how many checks there were, and of which kind."""
    checked = [row for row in rows if row.judgement]
    posteriors = len({row.posterior for row in checked})
    table = Table(
        f"Verdicts on short fits of {posteriors} known posteriors",
        [
            "method",
            "checks",
            "trusted",
            "wrong trusts",
            "near fits",
            "needless distrust",
            "check, median s",
            "fit, median s",
        ],
    )
    for name in [*methods_of(checked), "all"]:
        own = [row for row in checked if name in (row.method, "all")]
        kinds = Counter(row.judgement for row in own)
        near = sum(row.errors is not None and row.errors.near for row in own)
        trusted = sum(row.claimed is not None for row in own)
        table.rows.append(
            [
                name,
                str(len(own)),
                str(trusted),
                str(kinds["wrong trust"]),
                str(near),
                str(kinds["needless"]),
                *(
                    f"{_median([pick(row) for row in own]):.1f}"
                    for pick in (lambda r: r.check_seconds, lambda r: r.seconds)
                ),
            ]
        )
    return table


def _median(numbers: Sequence[float]) -> float:
    return float(torch.tensor(numbers).median())


def main() -> None:
    """Print the tables, and write them into benchmarks/README.md if no fit was left out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(SHORT), metavar="KEY")
    parser.add_argument("--seconds", type=float, default=600.0, help="begin no further fit after so many")
    parser.add_argument("--rows", type=Path, help="a JSON file of rows: those in it stay, others are added")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args, before, begin = parser.parse_args(), load(), time.perf_counter()
    found = read_rows(args.rows) if args.rows is not None and args.rows.exists() else []
    left = 0
    for (posterior, known), key in product(known_posteriors(), args.methods):
        if any(row.posterior == posterior.name and row.method in METHODS[key].answers for row in found):
            continue
        if time.perf_counter() - begin > args.seconds:
            left += 1
            continue
        found += rows_of(posterior, known, METHODS[key])
        if args.rows is not None:
            write_rows(found, args.rows)
    tables = [rates(found), wrong_trusts(found)]
    for table in tables:
        table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.verdicts", before)
    notes.append(f"{left} fits were left out, because {args.seconds:.0f} seconds were over.")
    print("\n".join(notes))
    if not args.no_write:
        write("verdicts", "\n\n".join([*(table.markdown() for table in tables), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
