"""A row measured once: its processes, with caches of their own, and what they print."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.engine.engines import ENGINES
from benchmarks.engine.problem import STEPS

__all__ = ["Found", "measure"]

EXTRA = 60.0  # seconds that a process has for steady steps, once its 1,000 are done


@dataclass
class Found:
    """What one measurement of a row found; ``None`` is what it did not come to.

    Attributes:
        cold: seconds from the start of a process to 1,000 steps done, with empty caches.
        warm: the same in a second process, with the caches that the first one left.
        first: seconds that the first process took for these steps, and for what comes before them in a fit.
        steady: seconds a step, long after.
        peak: bytes, when the first process had done them.
        loss: mean of the last quarter of the steps taken, nats.
        error: its standard error.
        steps: how many steps the first process took within the limit.
        failure: why there is nothing.
    """

    cold: float | None = None
    warm: float | None = None
    first: float | None = None
    steady: float | None = None
    peak: int | None = None
    loss: float | None = None
    error: float | None = None
    steps: int = 0
    failure: str = ""

    @property
    def compile(self) -> float | None:
        """Seconds of the first fit that went to something else than steps."""
        if self.cold is None or self.first is None or self.steady is None:
            return None
        return max(0.0, self.first - STEPS * self.steady)


def measure(program: str, engine: str, limit: float, steady: float) -> Found:
    """Run a row: where it keeps a cache, in two processes that share one, which is empty when the first begins.

    Args:
        program: a name in ``PROGRAMS``.
        engine: a name in ``ENGINES``.
        limit: seconds for 1,000 steps.
        steady: seconds by which the longer of two runs is to be longer.
    """
    with TemporaryDirectory() as cache:
        caches = ENGINES[engine].caches
        cold = _process(program, engine, cache, limit, 0.0 if caches else steady)
        if caches and cold.cold is not None:
            warm = _process(program, engine, cache, limit, steady)
            cold.warm, cold.steady = warm.cold, warm.steady
            cold.failure = cold.failure or warm.failure
    return cold


def _process(program: str, engine: str, cache: str, limit: float, steady: float) -> Found:
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(Path(cache) / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "TORCHINDUCTOR_CACHE_DIR": str(Path(cache) / "inductor"),
    }
    begun = time.monotonic()
    options = {"begun": begun, "limit": limit, "steady": steady}
    command = [sys.executable, "-m", "benchmarks.engine.child", program, engine]
    command += [f"--{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        printed, complaint = process.communicate(timeout=limit + (EXTRA if steady else 0.0))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the compiler's own workers
        printed, complaint = process.communicate()
    else:
        if process.returncode:
            return Found(failure=(complaint.strip().splitlines() or [f"exit status {process.returncode}"])[-1])
    return _read(printed)


def _read(printed: str) -> Found:
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    found = {name: value for line in lines for name, value in line.items()}
    if "seconds" in found:
        found["cold"] = found.pop("seconds")
    return Found(**found)
