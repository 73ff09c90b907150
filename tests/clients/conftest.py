"""Programs of public libraries that say ``import pyro``: `make check-clients` runs them, under the alias."""

import os

collect_ignore_glob = [] if os.environ.get("VIRGIL_CLIENTS") else ["test_*.py"]
