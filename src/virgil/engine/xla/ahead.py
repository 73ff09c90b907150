"""Noise drawn for many steps at once: a random number generator costs a step of a small model more than its arithmetic.

A step's noise is the same, however many steps it is drawn with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from torch.fx import Graph, Node

from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.interpret import apply
from virgil.engine.xla.keys import Keys
from virgil.engine.xla.registry import LOWERINGS

__all__ = ["Ahead", "while_loop"]

_ELEMENTS = 2**16  # of noise at once
_STEPS = 256

Noise = dict[str, Any]


class Ahead:
    """The random operators of a graph whose law depends on shapes alone.

    Args:
        graph: the graph.
        rounds: lists of operators of one kind, whose noise is wanted in one array for each list.

    Attributes:
        steps: for how many steps they are drawn at once; 1 if that is left to each step.
    """

    def __init__(self, graph: Graph, rounds: Iterable[Sequence[Node]] = ()) -> None:
        self._graph = graph
        nodes = [node for node in graph.nodes if _is_by_shape(node)]
        self._together = [each for each in rounds if _is_by_shape(each[0])]
        self._alone = [node for node in nodes if node not in set().union(*self._together)]
        elements = sum(node.meta["val"].numel() for node in nodes)
        self.steps = max(1, min(_STEPS, _ELEMENTS // max(1, elements))) if nodes else 1

    def draw(self, key: Any) -> Noise:
        """The noise of the step that has this key, by name of the operator, or of the first of its list."""
        keys = Keys(self._graph, key)
        alone = {node.name: _drawn(node, keys.one(node)) for node in self._alone}
        together = {nodes[0].name: jax.vmap(partial(_drawn, nodes[0]))(keys.stack(nodes)) for nodes in self._together}
        return alone | together


def while_loop(
    goes_on: Callable[[Any], Any],
    body: Callable[[Any, Noise], Any],
    begin: Any,
    draw: Callable[[Any], Noise],
    steps: int,
) -> Any:
    """``while goes_on(carry): carry = body(carry, noise)``, where a carry begins with its step's number.

    Args:
        goes_on: whether there is a further step.
        body: a step, which adds one to the number.
        begin: the first carry.
        draw: the noise of the step of this number.
        steps: for how many steps noise is drawn at once.
    """
    if steps == 1:
        return jax.lax.while_loop(goes_on, lambda carry: body(carry, {}), begin)

    def block(carry: Any) -> Any:
        start = carry[0]
        noise = jax.vmap(draw)(start + jnp.arange(steps))

        def step(carry: Any) -> Any:
            place = carry[0] - start
            return body(
                carry, {name: jax.lax.dynamic_index_in_dim(each, place, keepdims=False) for name, each in noise.items()}
            )

        return jax.lax.while_loop(lambda carry: goes_on(carry) & (carry[0] - start < steps), step, carry)

    return jax.lax.while_loop(goes_on, block, begin)


def _drawn(node: Node, key: Any) -> Any:
    return apply(node, {each: _blank(each) for each in node.all_input_nodes}, key)


def _is_by_shape(node: Node) -> bool:
    return node.op == "call_function" and node.target in LOWERINGS and LOWERINGS[node.target].by_shape


def _blank(node: Node) -> Any:
    """An array of a node's shape and dtype."""
    value = node.meta["val"]
    return jnp.zeros(tuple(value.shape), DTYPES[value.dtype])
