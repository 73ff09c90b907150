"""The versions of JAX that the engine runs on."""

from __future__ import annotations

import jax

__all__ = ["OLDEST", "check_version"]

OLDEST = (0, 10, 2)  # the one that the extra ``xla`` asks for


def check_version() -> None:
    """Refuse a version of JAX that the engine has not been tried on.

    Raises:
        ImportError: it is older.
    """
    if jax.__version_info__ < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ImportError(f"JAX {jax.__version__} is installed, and the engine needs {oldest} or later", name="jax")
