"""The noise of a step on XLA, for an eager step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
from torch import Tensor
from torch.fx import Graph

from virgil.engine.operators.noise import DrawnBy, in_order
from virgil.engine.operators.value_arguments import of_values
from virgil.engine.xla.arrays import to_array, to_tensor
from virgil.engine.xla.keys import Keys
from virgil.engine.xla.registry import LOWERINGS
from virgil.ops.compile_flag import as_when_compiling
from virgil.ops.trees import tree_map_only

__all__ = ["drawn_by_key"]


@contextmanager
def drawn_by_key(graph: Graph, key: Any) -> Iterator[None]:
    """A block in which eager operations draw, one after another, what a graph draws with this key."""
    keys = Keys(graph, key)

    def draw(place: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        node = keys.nodes[place]
        with jax.enable_x64(True):
            given, options = tree_map_only(Tensor, to_array, (args, of_values(kwargs)))
            drawn = LOWERINGS[node.target].apply(keys.one(node), *given, **options)
            return tree_map_only(jax.Array, lambda each: to_tensor(each).clone(), drawn)

    with as_when_compiling(), DrawnBy(in_order([node.target for node in keys.nodes], draw)):
        yield
