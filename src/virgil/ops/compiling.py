"""Torch's own question whether it is compiling, answered for the time of a capture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["as_when_compiling"]


@contextmanager
def as_when_compiling() -> Iterator[None]:
    """Make ``torch.compiler.is_compiling()`` true, as ``torch.export`` does: optimisers then keep counts as tensors."""
    before = torch.compiler.is_compiling
    torch.compiler.is_compiling = lambda: True
    try:
        yield
    finally:
        torch.compiler.is_compiling = before
