"""Lists, tuples, named tuples, sizes and dicts as a flat list and a structure; anything else is a leaf.

This replaces ``torch.utils._pytree`` in a version of torch that does not have it under this name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Size
from torch.fx.immutable_collections import immutable_dict, immutable_list

__all__ = ["TreeSpec", "tree_flatten", "tree_leaves", "tree_map_only", "tree_unflatten"]


@dataclass(frozen=True)
class TreeSpec:
    """The structure of nested leaves.

    Attributes:
        kind: the type of the container; ``None`` for a leaf.
        keys: of a dict.
        parts: the structures of what it contains.
    """

    kind: Any
    keys: tuple[Any, ...] = ()
    parts: tuple[TreeSpec, ...] = ()


_LEAF = TreeSpec(None)


def tree_flatten(tree: Any) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree from left to right, and their structure."""
    leaves: list[Any] = []
    return leaves, _flattened(tree, leaves)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of this structure with these leaves."""
    return _rebuilt(iter(leaves), treespec)


def tree_leaves(tree: Any) -> list[Any]:
    """The leaves of a tree from left to right."""
    return tree_flatten(tree)[0]


def tree_map_only(kind: type, fn: Callable[[Any], Any], tree: Any) -> Any:
    """The same tree, with each leaf of a type replaced by ``fn`` of it."""
    leaves, treespec = tree_flatten(tree)
    return tree_unflatten([fn(each) if isinstance(each, kind) else each for each in leaves], treespec)


def _flattened(tree: Any, leaves: list[Any]) -> TreeSpec:
    kind, keys, parts = _taken_apart(tree)
    if kind is None:
        leaves.append(tree)
        return _LEAF
    return TreeSpec(kind, keys, tuple([_flattened(each, leaves) for each in parts]))


def _taken_apart(tree: Any) -> tuple[Any, tuple[Any, ...], Sequence[Any]]:
    kind = type(tree)
    if kind in (dict, OrderedDict, immutable_dict):
        return kind, tuple(tree), list(tree.values())
    if kind in (list, tuple, Size, immutable_list) or (isinstance(tree, tuple) and hasattr(kind, "_fields")):
        return kind, (), tree
    return None, (), ()


def _rebuilt(leaves: Iterator[Any], spec: TreeSpec) -> Any:
    if spec.kind is None:
        return next(leaves)
    parts = [_rebuilt(leaves, each) for each in spec.parts]
    if issubclass(spec.kind, dict):
        return spec.kind(zip(spec.keys, parts, strict=True))
    return spec.kind(*parts) if hasattr(spec.kind, "_fields") else spec.kind(parts)
