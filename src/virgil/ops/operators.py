"""The base of modes that watch operators run, and the properties of an operator.

This file is the one door to names of torch that are private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

import torch
from torch import Tensor

from virgil.errors import CaptureError
from virgil.ops.nested_tensors import tensors_in
from virgil.ops.trees import tree_leaves

if TYPE_CHECKING:
    from torch._ops import OpOverload as OpOverload  # noqa: PLC0414 - for others to import
else:
    OpOverload = type(torch.ops.aten.add.Tensor)  # torch gives its type no public name

__all__ = ["OperatorMode", "is_composite", "is_taken_apart", "memory_id", "schema_of", "why_unwatched", "written"]

try:
    from torch.utils._python_dispatch import TorchDispatchMode as _Mode
except ImportError:

    class _Mode:  # type: ignore[no-redef]
        """Stands for torch's mode where torch has none of this name."""

        def __enter__(self) -> Self:
            _refuse()

        def __exit__(self, *_: object) -> None:
            """Nothing was entered."""


try:
    from torch.utils._python_dispatch import autograd_would_have_decomposed as _would_be_decomposed
except ImportError:
    _would_be_decomposed = None  # type: ignore[assignment]


def why_unwatched() -> str | None:
    """The reason why this version of torch does not let operators be watched; ``None`` if it does."""
    is_known = _Mode.__module__ != __name__ and hasattr(torch.ops.aten.add.Tensor, "_schema")
    return None if is_known else _UNKNOWN


_UNKNOWN = f"PyTorch {torch.__version__} does not show what operators run, under any name that Virgil knows"


def _refuse() -> NoReturn:
    raise CaptureError(f"{_UNKNOWN}, so that no step can be captured. Use engine='eager'.")


class OperatorMode(_Mode):
    """A mode that sees every operator that runs in a ``with`` block.

    Torch wraps the handler of a mode so that ``torch.compile`` passes it over. For this it loads the compiler, which
    takes as long as ``import torch``; this class says that it should not.

    Raises:
        CaptureError: it is entered where this version of torch cannot have operators watched.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def schema_of(func: Any) -> Any:
    """An operator's arguments and results, and which of them it changes.

    Raises:
        CaptureError: this version of torch does not tell.
    """
    schema = getattr(func, "_schema", None)
    return _refuse() if schema is None else schema


def is_composite(func: Any) -> bool:
    """Return ``True`` if an operator of torch's consists of others, of which derivatives are taken.

    Where this version of torch does not tell, no operator does, and each is a node.
    """
    can_decompose = getattr(func, "_can_decompose", None)
    return func.namespace == "aten" and can_decompose is not None and can_decompose()


def is_taken_apart(func: Any, args: Any, kwargs: Any) -> bool:
    """Return ``True`` if torch runs a composite operator as its parts, because the device has no kernel for it.

    Where this version of torch does not tell, the answer is yes: both ways give the same values.
    """
    return _would_be_decomposed is None or _would_be_decomposed(func, tree_leaves((args, kwargs)))


def written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The arguments that an operator changes."""
    schema = schema_of(func)
    if not schema.is_mutable:
        return []
    given = {argument.name: value for argument, value in zip(schema.arguments, args, strict=False)} | kwargs
    changed = (each.name for each in schema.arguments if each.alias_info is not None and each.alias_info.is_write)
    return tensors_in([given.get(name) for name in changed])


def memory_id(tensor: Tensor) -> int:
    """A number that a tensor shares with its views, and with no other tensor that is alive."""
    if tensor.layout != torch.strided:
        return id(tensor)
    storage = tensor.untyped_storage()
    return storage.data_ptr() or getattr(storage, "_cdata", id(tensor))
