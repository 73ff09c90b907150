"""Long loops in a picture: the first rounds are drawn, and one node stands for the others."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from virgil.explain.structure import Node

__all__ = ["Rest", "folded"]


@dataclass(frozen=True)
class Rest:
    """The rounds of a loop that are not drawn.

    Attributes:
        loop: tells loops apart.
        name: of the node that stands for them.
        label: what is written there.
    """

    loop: Hashable
    name: str
    label: str

    def is_around(self, node: Node) -> bool:
        """True if the node is in the loop."""
        return self.loop in _rounds(node)


def folded(nodes: Mapping[str, Node], max_rounds: int) -> dict[str, Rest]:
    """By name, the nodes that are not drawn, and what stands for each.

    A loop is a Markov chain or an iterated plate. Loops with but one round too many are left as they are.
    """
    lengths: dict[Hashable, int] = {}
    for node in nodes.values():
        for loop, number in _rounds(node).items():
            lengths[loop] = max(lengths.get(loop, 0), number + 1)
    rests: dict[Hashable, Rest] = {}
    result = {}
    for name, node in nodes.items():
        for loop, number in _rounds(node).items():
            if number >= max_rounds and lengths[loop] > max_rounds + 1:
                what = "rounds" if isinstance(loop, str) else "steps"
                label = f"{lengths[loop] - max_rounds} more {what}"
                result[name] = rests.setdefault(loop, Rest(loop, f"{label} ({len(rests) + 1})", label))
                break
    return result


def _rounds(node: Node) -> dict[Hashable, int]:
    """By loop around the node, the round, counted from 0."""
    steps: dict[Hashable, int] = {step.chain: step.number for step in node.steps}
    return steps | {frame.name: frame.counter for frame in node.frames if frame.dim is None}
