"""The drawing of a model and a guide: nodes in boxes, and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from virgil.explain.folding import Rest, folded
from virgil.explain.structure import Node, Structure
from virgil.poutine.frame import Frame

__all__ = ["Edge", "Picture", "Shown", "picture_of"]


@dataclass(frozen=True)
class Edge:
    """A dependence of ``child`` on ``parent``, in the model or in the guide."""

    parent: str
    child: str
    of_guide: bool = False


@dataclass(frozen=True)
class Shown:
    """A node as it is drawn.

    Attributes:
        node: the statement: of the model, or of the guide if the model has none of this name.
        guide: the guide's statement.
        is_guides: whether the guide alone has it.
        plates: the boxes around it, outermost first.
        rest: for a node that stands for the rounds of a loop, what is written there.
    """

    node: Node
    guide: Node | None = None
    is_guides: bool = False
    plates: tuple[str, ...] = ()
    rest: str = ""

    @property
    def is_enumerated(self) -> bool:
        """True if all values are taken at once: by the guide if it states the variable, else by the model."""
        return (self.guide or self.node).enumerated


@dataclass(frozen=True)
class Picture:
    """Nodes by name, edges, by plate the label of its box, and whether there is a guide."""

    nodes: Mapping[str, Shown]
    edges: tuple[Edge, ...]
    plates: Mapping[str, str]
    has_guide: bool


def picture_of(
    model: Structure, guide: Structure | None, params: bool = False, deterministic: bool = False, max_rounds: int = 3
) -> Picture:
    """Choose what is drawn.

    Args:
        model: the model's statements.
        guide: the guide's.
        params: whether parameters are nodes.
        deterministic: whether deterministic sites are nodes; else what depends on one depends on its parents.
        max_rounds: of a Markov chain, and of an iterated plate, how many rounds are drawn.
    """
    hidden = {role for role, is_shown in (("param", params), ("deterministic", deterministic)) if not is_shown}
    of_model, of_guide = _without(model, hidden), _without(guide or {}, hidden)
    everything = [*of_model.values(), *of_guide.values()]
    order = _order(everything)
    shown = {
        name: Shown(
            of_model.get(name) or of_guide[name],
            of_guide.get(name),
            name not in of_model,
            tuple(sorted({frame.name for frame in (of_model.get(name) or of_guide[name]).frames}, key=order.index)),
        )
        for name in dict.fromkeys(node.name for node in everything)
    }
    rests = folded({name: each.node for name, each in shown.items()}, max_rounds)
    nodes: dict[str, Shown] = {}
    for name, each in shown.items():
        rest = rests.get(name)
        nodes.setdefault(name if rest is None else rest.name, replace(each, rest="" if rest is None else rest.label))
    edges = dict.fromkeys(_folded(_edges(of_model, of_guide), shown, rests))
    return Picture(nodes, tuple(edges), _labels(everything), guide is not None)


def _without(structure: Structure, hidden: Set[str]) -> dict[str, Node]:
    """The structure without nodes of these roles, whose parents become those of their children."""
    parents: dict[str, tuple[str, ...]] = {}
    for node in structure.values():  # parents are stated before their children
        passed = [
            each for name in node.parents for each in (parents[name] if structure[name].role in hidden else (name,))
        ]
        parents[node.name] = tuple(dict.fromkeys(passed))
    return {
        node.name: replace(node, parents=parents[node.name]) for node in structure.values() if node.role not in hidden
    }


def _edges(model: Structure, guide: Structure) -> Iterator[Edge]:
    for node in model.values():
        yield from (Edge(parent, node.name) for parent in node.parents)
    for node in guide.values():
        yield from (Edge(parent, node.name, True) for parent in node.parents)
        yield from (Edge(seen.name, node.name, True) for seen in model.values() if _sees(node, seen))


def _sees(node: Node, seen: Node) -> bool:
    """True if a variable of the guide is computed from the data of an observation."""
    if seen.role != "observed" or node.role != "latent":
        return False
    return any(region.meets(other) for region in node.data for other in seen.data)


def _folded(edges: Iterable[Edge], shown: Mapping[str, Shown], rests: Mapping[str, Rest]) -> Iterator[Edge]:
    """The edges with the nodes that stand for others; one that leads into a loop from outside is not drawn again."""
    for edge in edges:
        parent, child = rests.get(edge.parent), rests.get(edge.child)
        if child is None or (parent != child and child.is_around(shown[edge.parent].node)):
            yield Edge(
                edge.parent if parent is None else parent.name,
                edge.child if child is None else child.name,
                edge.of_guide,
            )


def _order(nodes: Iterable[Node]) -> list[str]:
    """Plates so that one that holds all of another's sites comes before it."""
    counts = Counter(frame.name for node in nodes for frame in node.frames)
    return sorted(counts, key=lambda name: -counts[name])  # which keeps the order of statements among equals


def _labels(nodes: Iterable[Node]) -> dict[str, str]:
    return {frame.name: _label(frame) for node in nodes for frame in node.frames}


def _label(frame: Frame) -> str:
    size = f"{frame.full_size:,}"
    if frame.size != frame.full_size:
        size = f"{frame.size:,} of {size}"
    return f"{frame.name}: {size}"
