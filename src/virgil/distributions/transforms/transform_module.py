"""Maps with parameters of their own."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.distributions.transforms import Transform

__all__ = ["TransformModule"]


class TransformModule(Transform, nn.Module):
    """The base of a map that is a module as well: its parameters are registered, moved and saved as a module's are.

    Args:
        cache_size: 1 to keep the last value and its image, so that the inverse of a draw is known; 0 to keep none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return nn.Module.__hash__(self)
