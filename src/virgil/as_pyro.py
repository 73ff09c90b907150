"""``import virgil.as_pyro`` makes ``import pyro`` yield Virgil, in this process and in those that it starts.

A program runs so without a change by ``python -m virgil.as_pyro script.py ...`` (or ``-m module ...``, or
``-c text ...``), a test suite by ``pytest -p virgil.as_pyro``.
"""

from __future__ import annotations

import sys

from virgil.pyro.finder import install
from virgil.pyro.main_program import USAGE, run

__all__: list[str] = []

install()

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"usage: python -m virgil.as_pyro {USAGE}")
    sys.exit(run(sys.argv[1:]))
