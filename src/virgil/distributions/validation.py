"""Whether distributions validate their arguments and values.

They do, everywhere, except inside :func:`unchecked`, which an SVI step enters once the structure of its programs has
been checked. The answer is per thread: one thread's fast step does not turn off another's checks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from virgil import settings

__all__ = ["checked", "enable_validation", "is_validating", "unchecked"]


class _Mode(threading.local):
    skip = False


_mode = _Mode()


def is_validating() -> bool:
    """Whether a distribution made now validates its arguments."""
    return not _mode.skip and settings.get("validate")


@contextmanager
def _skipping(skip: bool) -> Iterator[None]:
    before = _mode.skip
    _mode.skip = skip
    try:
        yield
    finally:
        _mode.skip = before


def unchecked() -> AbstractContextManager[None]:
    """A block in which distributions of this thread skip validation."""
    return _skipping(True)


def checked() -> AbstractContextManager[None]:
    """A block in which they validate again, inside an outer ``unchecked``."""
    return _skipping(False)


def enable_validation(is_validate: bool = True) -> None:
    """Turn the validation of programs, arguments and values on or off, for the whole process."""
    settings.set(validate=bool(is_validate))
