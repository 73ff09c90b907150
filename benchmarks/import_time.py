"""``python -m benchmarks.import_time``: seconds that ``import virgil`` takes beyond torch's own."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from statistics import median

from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write

GOAL = 0.3
# `import time:  self [us] | cumulative | name`; a name without indent is what the program itself asked for
LINE = re.compile(r"^import time:\s+\d+ \|\s+(\d+) \| (\S+)$", re.MULTILINE)


def measure() -> dict[str, float]:
    """Seconds for ``import torch`` and then ``import virgil``, in a fresh interpreter."""
    command = [sys.executable, "-X", "importtime", "-c", "import torch\nimport virgil"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return {name: int(microseconds) / 1e6 for microseconds, name in LINE.findall(printed)}


def main() -> None:
    """Print the medians and write them into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    measure()  # the first run fills the caches of bytecode and of the file system
    runs = [measure() for _ in range(args.runs)]
    table = Table(f"Seconds to import, median of {args.runs} runs", ["module", "seconds", "goal"])
    table.rows.append(["torch", f"{median(run['torch'] for run in runs):.2f}", ""])
    table.rows.append(["virgil, beyond torch", f"{median(run['virgil'] for run in runs):.2f}", f"≤ {GOAL}"])
    table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.import_time", before)
    print("\n".join(notes))
    if not args.no_write:
        write("import", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
