"""Advice for a graph that is long because a Python loop was unrolled into it."""

from __future__ import annotations

from collections import Counter

from torch.fx import Graph

__all__ = ["unrolled"]

_MANY = 2_000  # operations, from which on a graph takes many seconds to compile
_ROUNDS = 32  # so often is an operator repeated at one line of a program only by a loop


def unrolled(graph: Graph, num_compiled: int) -> str | None:
    """A line that says how a graph would be shorter; ``None`` for one that is short, or is not a loop's.

    Args:
        graph: the graph.
        num_compiled: how many operations an engine compiles for it.
    """
    if num_compiled < _MANY:
        return None
    nodes = [node for node in graph.nodes if node.op == "call_function"]
    counts = Counter((node.meta.get("stack_trace"), node.target) for node in nodes)
    repeated = [count for count in counts.values() if count >= _ROUNDS]
    if 2 * sum(repeated) < len(nodes):
        return None
    ((rounds, _),) = Counter(repeated).most_common(1)
    return (
        f"most of the {len(nodes):,} operations are a Python loop's, unrolled about {rounds} times; "
        "virgil.vectorized_markov, DiscreteHMM or a plate would state its rounds at once"
    )
