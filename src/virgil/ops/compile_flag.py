"""``torch.compiler.is_compiling`` in a thread that captures a step.

Code asks it where a graph must not depend on a tensor's value: torch's optimisers then keep counts and rates as tensors
and take ``capturable=True`` on a CPU, its Transformer does not look at a mask, and ``ClippedAdam`` does not read its
count. Products of chains take the form of numbers that suits compiled code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType

import torch

__all__ = ["as_when_compiling", "is_compiling"]


class _Thread(threading.local):
    captures = 0  # blocks that are open


_thread = _Thread()
_counting = threading.Lock()
_captures = 0  # of all threads
_function: FunctionType = torch.compiler.is_compiling  # type: ignore[assignment]
_code = _function.__code__
_torch_says: Callable[[], bool] = FunctionType(_code, _function.__globals__)


def is_compiling() -> bool:
    """Return ``True`` if this thread captures a step, or if torch compiles."""
    return _thread.captures > 0 or _torch_says()


def _asked_of_virgil() -> bool:
    from virgil.ops.compile_flag import is_compiling  # noqa: PLC0415  (it runs among the names of torch.compiler)

    return is_compiling()


@contextmanager
def as_when_compiling() -> Iterator[None]:
    """A block in which ``torch.compiler.is_compiling()`` is true, in this thread alone.

    While any thread is inside, the function has other code, which asks whose thread it runs in. It stays the same
    object, by which ``torch.compile`` knows it in its tables, and afterwards it has its own code again.
    """
    _count(1)
    _thread.captures += 1
    try:
        yield
    finally:
        _thread.captures -= 1
        _count(-1)


def _count(change: int) -> None:
    global _captures  # noqa: PLW0603
    with _counting:
        _captures += change
        _function.__code__ = _asked_of_virgil.__code__ if _captures else _code
