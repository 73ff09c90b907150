"""The size of a step: how many operators, and how many elements of their results."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor

from virgil.ops.operators import OperatorMode, why_unwatched

__all__ = ["Work"]


class Work(OperatorMode):
    """Counts what a step does: operators, elements of their results; and where."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = 0
        self.elements = 0
        self.device = torch.device("cpu")

    def __enter__(self) -> Self:
        """Begin to count, where this version of torch lets operators be seen."""
        return self if why_unwatched() else super().__enter__()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count, and call."""
        result = func(*args, **(kwargs or {}))
        self.operators += 1
        if isinstance(result, Tensor):
            self.elements += result.numel()
            if result.device.type != "cpu":
                self.device = result.device
        return result
