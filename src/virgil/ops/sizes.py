"""The type of shapes that torch's distributions take. Torch's own name for it is private."""

from __future__ import annotations

from typing import TypeAlias

from torch import Size

__all__ = ["Sizes"]

Sizes: TypeAlias = Size | list[int] | tuple[int, ...]
