"""What a figure depends on besides the code: processor, cores, load, threads, versions."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def load() -> float:
    """Processes that wanted to run in the last minute, on average: above the number of cores, times are inflated."""
    return os.getloadavg()[0]


def _version(distribution: str) -> str:
    """The version; a copy of the source under another name has none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def describe(distributions: list[str], module: str, load_before: float) -> list[str]:
    """Lines that say on what machine, with what versions and by what command a table was made.

    Args:
        distributions: names of installed distributions whose versions matter.
        module: the benchmark, as ``python -m`` takes it.
        load_before: :func:`load` when the benchmark began.
    """
    import torch  # noqa: PLC0415 a benchmark of import time must be able to describe its machine without it

    threads = torch.get_num_threads()
    versions = ", ".join(f"{name} {_version(name)}" for name in distributions)
    return [
        f"Machine: {_processor()}, {os.cpu_count()} cores, torch threads {threads}, "
        f"load {load_before:.1f} before and {load():.1f} after.",
        f"Versions: Python {platform.python_version()}, {versions}.",
        f"Command: `{shlex.join(['python', '-m', module, *sys.argv[1:]])}`.",
    ]
