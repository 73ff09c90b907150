"""The size of the largest tensor that a program makes."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Largest"]


class Largest(TorchDispatchMode):
    """The numbers in the largest tensor that any operator makes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        sizes = [
            each.untyped_storage().nbytes() // each.itemsize for each in tree_leaves(result) if torch.is_tensor(each)
        ]
        self.numbers = max(self.numbers, *sizes, 0)
        return result
