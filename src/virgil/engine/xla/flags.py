"""XLA's switches for this process, set before it compiles for the first time.

XLA on the CPU runs a program as a list of pieces, each of which it starts and hands to a pool of threads; for a small
model that takes ten times as long as the arithmetic. A loop that reads little enough it compiles into one piece of
machine code instead, for one core, if it knows how to do so for all operations inside. How little is enough, it is told
by an environment variable and in no other way: a program that is compiled cannot ask for it.
"""

from __future__ import annotations

import os

__all__ = ["set_flags"]

_EXTRA = "--xla_backend_extra_options"
_BYTES = 2**18  # that a loop may read; XLA's own number is 1,024. With twice as much large products stay on one core


def set_flags() -> None:
    """Add to ``XLA_FLAGS``, unless it says something of the kind; without effect once XLA has compiled anything."""
    flags = os.environ.get("XLA_FLAGS", "")
    if _EXTRA not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_EXTRA}=xla_cpu_small_while_loop_byte_threshold={_BYTES}".lstrip()
