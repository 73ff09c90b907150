"""A guard that lets in one thread at a time."""

from __future__ import annotations

import threading

from virgil.errors import ThreadError

__all__ = ["OneThread"]


class OneThread:
    """A block that one thread may be in, as deep as it likes, and that refuses another one meanwhile.

    Raises:
        ThreadError: another thread is inside.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner = 0

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            owner = next((each.name for each in threading.enumerate() if each.ident == self._owner), "another")
            raise ThreadError(
                f"Thread {threading.current_thread().name!r} uses an SVI, or a fit of it, while thread {owner!r} "
                "takes its steps or looks at a fit of it, for which the parameters have other values meanwhile. Wait "
                "for that thread, or give each thread an SVI and a ParamStore of its own."
            )
        self._owner = threading.get_ident()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[OneThread], tuple[()]]:
        return OneThread, ()  # of a copy nobody is inside
