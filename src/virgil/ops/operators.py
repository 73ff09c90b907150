"""What watches operators run: the modes' common base, and which tensors an operator reads and writes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from virgil.ops.nested import tensors_in

__all__ = ["OperatorMode", "memory_id", "written"]


class OperatorMode(TorchDispatchMode):
    """A mode that sees every operator that runs in a ``with`` block.

    Torch would wrap its handler so that ``torch.compile`` passes it over, and loads the compiler for that, which takes
    as long as ``import torch``.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The arguments that an operator changes."""
    schema = func._schema
    if not schema.is_mutable:
        return []
    given = {argument.name: value for argument, value in zip(schema.arguments, args, strict=False)} | kwargs
    changed = (each.name for each in schema.arguments if each.alias_info is not None and each.alias_info.is_write)
    return tensors_in([given.get(name) for name in changed])


def memory_id(tensor: Tensor) -> int:
    """What a tensor shares with its views, and with no other tensor that is alive."""
    if tensor.layout != torch.strided:
        return id(tensor)
    storage = tensor.untyped_storage()
    return storage.data_ptr() or storage._cdata
