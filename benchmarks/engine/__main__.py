"""``python -m benchmarks.engine``: run all rows, print the tables and write them into benchmarks/README.md."""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.engine.engines import ENGINES
from benchmarks.engine.report import Row, goals_table, rows_table
from benchmarks.engine.row import measure
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import write

LANGUAGES = ["torch", "jax", "pyro-ppl", "numpyro", "funsor", "virgil-ppl"]
OURS = ["eager", "xla", "inductor"]
PROGRAMS = {
    "eight schools": list(ENGINES),
    "mixture": list(ENGINES),
    "logistic regression": list(ENGINES),
    "HMM": list(ENGINES),
    "HMM, vectorized_markov": OURS,
    "HMM, DiscreteHMM": OURS,
    "LDA": list(ENGINES),
    "VAE": list(ENGINES),
}
ONCE = 30.0  # seconds; a row whose process takes longer is not run again


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is run")
    parser.add_argument("--limit", type=float, default=100.0, help="seconds from start to 1,000 steps, for each row")
    parser.add_argument("--steady", type=float, default=1.0, help="seconds by which a long run is to be longer")
    parser.add_argument("--quick", action="store_true", help="one round, a limit of 30 s, half a second")
    parser.add_argument("--only", nargs="+", choices=list(PROGRAMS), default=list(PROGRAMS), help="some programs")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="some engines")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.limit, args.steady = 1, 30.0, 0.5
    return args


def _warm_up() -> None:
    """Let the caches of bytecode and of the file system fill, which are no row's cost."""
    for language in ("pyro", "numpyro", "virgil.infer.autoguide"):
        subprocess.run([sys.executable, "-c", f"import {language}"], check=True, capture_output=True)


def run(args: argparse.Namespace) -> list[Row]:
    """Measure round by round, every other round in reverse order."""
    rows = [Row(program, engine) for program in args.only for engine in PROGRAMS[program] if engine in args.engines]
    for number in range(args.rounds):
        for program in args.only:
            turn = [row for row in rows if row.program == program]
            for row in reversed(turn) if number % 2 else turn:
                if number and not row.is_worth_repeating(ONCE):
                    continue
                row.found.append(measure(program, row.engine, args.limit, args.steady))
                print(f"{program}, {ENGINES[row.engine].label}: {row.found[-1]}", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Run what the command line asks for."""
    args = _arguments()
    before = load()
    _warm_up()
    rows = run(args)
    tables = [rows_table(rows, args.rounds, args.limit), goals_table(rows)]
    for table in tables:
        table.show()
    notes = [*describe(LANGUAGES, "benchmarks.engine", before), *sorted({row.failure for row in rows} - {""})]
    print("\n".join(notes))
    if not args.no_write:
        write("engine", "\n\n".join([*(table.markdown() for table in tables), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
