"""The keys of a graph's random operators, those of one kind together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from torch.fx import Graph, Node

from virgil.engine.xla.interpret import drawing

__all__ = ["Keys"]


class Keys:
    """The keys that :func:`virgil.engine.xla.interpret.node_keys` gives.

    Args:
        graph: the operations.
        key: of the step; ``None`` where none is random.
    """

    def __init__(self, graph: Graph, key: Any) -> None:
        self._places = {node: place for place, node in enumerate(drawing(graph))}
        self._keys = jax.random.split(key, len(self._places)) if self._places else None

    def one(self, node: Node) -> Any:
        """The key of an operator; ``None`` for one that is not random."""
        return self._keys[self._places[node]] if self._keys is not None and node in self._places else None

    def stack(self, nodes: Sequence[Node]) -> Any:
        """The keys of operators of one kind, along the first axis; likewise."""
        if self._keys is None or nodes[0] not in self._places:
            return None
        return self._keys[np.array([self._places[node] for node in nodes])]
