"""The arguments of an operator that decide on values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["of_values"]

_PLACEMENT = frozenset({"device", "layout", "memory_format", "non_blocking", "pin_memory"})


def of_values(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments that do, and not on where and how values lie in memory."""
    return {name: each for name, each in kwargs.items() if name not in _PLACEMENT}
