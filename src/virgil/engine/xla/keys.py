"""The keys of a graph's random operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from torch.fx import Graph, Node

from virgil.engine.xla.registry import LOWERINGS

__all__ = ["Keys"]


class Keys:
    """A key for each random operator of a graph.

    Args:
        graph: the operations.
        key: of the step; ``None`` where none is random.

    Attributes:
        nodes: the random operators, in the order of their keys.
    """

    def __init__(self, graph: Graph, key: Any) -> None:
        self.nodes = [node for node in graph.nodes if node.op == "call_function" and _draws(node)]
        self._places = {node: place for place, node in enumerate(self.nodes)}
        self._keys = jax.random.split(key, len(self.nodes)) if self.nodes else None

    def one(self, node: Node) -> Any:
        """The key of an operator; ``None`` for one that is not random."""
        return self._keys[self._places[node]] if self._keys is not None and node in self._places else None

    def stack(self, nodes: Sequence[Node]) -> Any:
        """The keys of operators of one kind, along the first axis; likewise."""
        if self._keys is None or nodes[0] not in self._places:
            return None
        return self._keys[np.array([self._places[node] for node in nodes])]


def _draws(node: Node) -> bool:
    lowering = LOWERINGS.get(node.target)
    return lowering is not None and lowering.draws
