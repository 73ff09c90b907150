"""The type of shapes that torch's distributions take; torch has it under a private name."""

from __future__ import annotations

from typing import TypeAlias

from torch import Size

__all__ = ["Sizes"]

Sizes: TypeAlias = Size | list[int] | tuple[int, ...]
