"""``import virgil.as_pyro`` makes ``import pyro`` yield Virgil, in this process and in those that it starts.

A script runs so without a change by ``python -m virgil.as_pyro script.py ...``, a test suite by
``pytest -p virgil.as_pyro``.
"""

from __future__ import annotations

import runpy
import sys

from virgil.pyro.finder import install

__all__: list[str] = []

install()

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m virgil.as_pyro script.py [argument ...]")
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
