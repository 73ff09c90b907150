"""Nested containers as a flat list and a structure: torch's own trees, or plain ones.

Torch's trees have a private name, and know the containers that users have registered. The plain trees serve a version
of torch that has moved its own. They know lists, tuples, named tuples and dicts; anything else is a leaf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_map_only, tree_unflatten
else:
    try:
        from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_map_only, tree_unflatten
    except ImportError:
        from virgil.ops.plain_trees import TreeSpec, tree_flatten, tree_leaves, tree_map_only, tree_unflatten

__all__ = ["TreeSpec", "tree_flatten", "tree_leaves", "tree_map_only", "tree_unflatten"]
