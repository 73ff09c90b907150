"""``python -m benchmarks.enumeration.peak LANGUAGE CASE``: print the bytes that three steps add to resident memory.

Linux only: the peak is put back to the present size before the steps.
"""

from __future__ import annotations

import importlib
import subprocess
import sys

import torch

from benchmarks.enumeration.cases import CASES
from benchmarks.harness.memory import forget_peak, peak_memory

__all__ = ["added_memory"]


def added_memory(language: str, case: str) -> int:
    """The same, measured in a process of its own, whose peak nobody else has raised."""
    command = [sys.executable, "-m", "benchmarks.enumeration.peak", language, case]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(printed.split()[-1])


def main() -> None:
    """Measure in this process."""
    language, name = sys.argv[1:]
    torch.set_num_threads(1)
    ppl = importlib.import_module(language)
    importlib.import_module(f"{language}.infer")
    importlib.import_module(f"{language}.optim")
    case = CASES[name]
    program = case.ours if case.ours is not None and language == "virgil" else case.program
    step = program(ppl)
    forget_peak()
    before = peak_memory()
    for _ in range(3):
        step()
    print(peak_memory() - before)


if __name__ == "__main__":
    main()
