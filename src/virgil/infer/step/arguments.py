"""Arguments of model and guide: tensors that may change from step to step, and Python values that may not."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from virgil.infer.step.value_key import value_key
from virgil.ops.trees import TreeSpec, tree_flatten, tree_unflatten

__all__ = ["Arguments", "arguments"]


@dataclass(frozen=True)
class Arguments:
    """Positional and keyword arguments, taken apart.

    Attributes:
        tensors: the tensors among them.
        others: for each leaf whether it is a tensor, and if not the leaf itself.
        structure: how they were nested.
        key: equal for arguments that one captured step can serve.
    """

    tensors: list[Tensor]
    others: list[tuple[bool, Any]]
    structure: TreeSpec
    key: Hashable

    def rebuilt(self, tensors: list[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with other tensors."""
        given = iter(tensors)
        leaves = [next(given) if is_tensor else other for is_tensor, other in self.others]
        args, kwargs = tree_unflatten(leaves, self.structure)
        return args, kwargs


def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Take arguments apart."""
    leaves, structure = tree_flatten((args, kwargs))
    tensors = [each.detach() for each in leaves if isinstance(each, Tensor)]
    others = [(True, None) if isinstance(each, Tensor) else (False, each) for each in leaves]
    return Arguments(tensors, others, structure, (repr(structure), tuple(map(_key, leaves))))


def _key(leaf: Any) -> Hashable:
    return (leaf.shape, leaf.dtype, leaf.device) if isinstance(leaf, Tensor) else value_key(leaf)
