"""Run a graph in JAX with the rounds of its unrolled loops rolled up again: each round is compiled once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from torch.fx import Graph, Node

from virgil.engine.rolled.operations import Operation, Operations, operations
from virgil.engine.rolled.runs import Run, runs
from virgil.engine.xla.interpret import arguments, computed
from virgil.engine.xla.keys import Keys
from virgil.engine.xla.rolled.rounds import Rounds
from virgil.engine.xla.rolled.sums import Sums
from virgil.engine.xla.rolled.values import Values

__all__ = ["Rolled", "rolled"]

_LONG = 1000  # operations, from which on it is worth looking
_SHARE = 0.1  # of them, that must go


def rolled(graph: Graph) -> Rolled | None:
    """A graph with its loops rolled up, if it has any that make up much of it."""
    if len(graph.nodes) < _LONG:
        return None
    found = operations(graph)
    loops = runs(found.rows)
    saved = sum((run.count - 1) * run.period for run in loops)
    return Rolled(graph, found, loops) if saved >= _SHARE * len(found.rows) else None


class Rolled:
    """A graph to be run with each of its runs as one loop, or as one operation on all rounds at once.

    Args:
        graph: the graph.
        found: its operations.
        loops: the runs among them, in order.
    """

    def __init__(self, graph: Graph, found: Operations, loops: Sequence[Run]) -> None:
        self._rows, self._outputs = found.rows, found.outputs
        self._graph, self._loops = graph, loops
        self._rounds = {run.start: Rounds(found, run) for run in loops}
        nodes = graph.find_nodes(op="placeholder")
        self._inputs = {node: place for place, node in enumerate(nodes)}

    @property
    def num_compiled(self) -> int:
        """How many operations there are, those of all rounds of a run counted once."""
        inputs = sum(row.node.op != "call_function" for row in self._rows)
        return len(self._rows) - inputs - sum((run.count - 1) * run.period for run in self._loops)

    @property
    def rounds(self) -> list[list[Node]]:
        """The operators at each place of each run, over its rounds."""
        return [nodes for each in self._rounds.values() for nodes in each.nodes]

    def interpret(
        self, inputs: Sequence[Any], constants: Mapping[str, Any], key: Any, noise: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """The outputs of the graph; see :func:`virgil.engine.xla.interpret.interpret`."""
        values, keys, noise = Values(self._loops), Keys(self._graph, key), noise or {}
        read = {start: each.slots for start, each in self._rounds.items()}
        sums = Sums(self._rows, read, {start: each.stages.chain for start, each in self._rounds.items()}, values)
        number = 0
        while number < len(self._rows):
            row, rounds = self._rows[number], self._rounds.get(number)
            if rounds is not None:
                rounds.compute(values, sums, keys, noise)
                number = rounds.run.stop
                continue
            if row.node.op == "placeholder":
                value = inputs[self._inputs[row.node]]
            elif row.node.op == "get_attr":
                value = constants[str(row.node.target)]
            else:
                value = _one(row, values, keys, noise)
            values.keep(number, value)
            number += 1
        return [leaf for each in self._outputs for leaf in jax.tree.leaves(values.one(each))]


def _one(row: Operation, values: Values, keys: Keys, noise: Mapping[str, Any]) -> Any:
    """The value of an operation outside all runs."""
    if row.node.name in noise:
        return noise[row.node.name]
    return computed(row.node, *arguments(row.node, [values.one(each) for each in row.reads]), keys.one(row.node))
