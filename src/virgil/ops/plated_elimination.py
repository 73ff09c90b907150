"""The order in which Gaussian variables in plates are summed out, so that few of them meet at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

__all__ = ["PlatedGraph", "Stage", "eliminate"]

Plates = frozenset[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """A variable, and those that its slots are joined with when it is summed out.

    Attributes:
        name: the variable.
        plates: those along which its slots are independent given the others; along its other plates, and inside an
            event, it is one block.
        others: the variables that are still there and joined with it, each with the plates along which a slot of the
            one meets a slot of the other; along all other plates every slot meets every slot.
    """

    name: str
    plates: Plates
    others: tuple[tuple[str, Plates], ...]


class PlatedGraph:
    """Vectors in the slots of plates, and which of them meet in a factor.

    Args:
        sizes: by variable, how many numbers a slot has, batch dims that are no plates included.
        plates: by variable, the plates around it.
        slots: by plate, how many slots it has.
    """

    def __init__(self, sizes: Mapping[str, int], plates: Mapping[str, Plates], slots: Mapping[str, int]) -> None:
        self.sizes, self.slots = dict(sizes), dict(slots)
        self.all_plates = dict(plates)
        self.plates = dict(plates)
        self.edges: dict[str, dict[str, Plates]] = {name: {} for name in sizes}

    def join(self, names: Iterable[str], along: Plates) -> None:
        """Join all pairs of these variables, slot by slot along these plates where both are in them.

        A variable that is in a plate which is not among these is one block along it.
        """
        names = list(names)
        for name in names:
            self.plates[name] &= along
            for other in names:
                if other != name:
                    common = self.all_plates[name] & self.all_plates[other] & along
                    self.edges[name][other] = self.edges[name].get(other, common) & common

    def meets(self, name: str) -> int:
        """How many numbers of other variables a slot of this one, or a block of slots, is joined with."""
        return sum(
            self.sizes[other] * self._slots_of(self.all_plates[other] - (along & self.plates[name]))
            for other, along in self.edges[name].items()
        )

    def block(self, name: str) -> int:
        """How many numbers of a variable are one block."""
        return self.sizes[name] * self._slots_of(self.all_plates[name] - self.plates[name])

    def _slots_of(self, plates: Iterable[str]) -> int:
        return prod(self.slots[plate] for plate in plates)

    def keeps(self, name: str, whole: Plates) -> bool:
        """True if none of these plates becomes one block for another variable when this one is summed out."""
        own = self.plates[name]
        return all(not (self.plates[other] & whole) - (along & own) for other, along in self.edges[name].items())

    def sum_out(self, name: str) -> Stage:
        """Take a variable away and join those that it was joined with."""
        own, edges = self.plates[name], self.edges.pop(name)
        stage = Stage(name, own, tuple([(other, along & own) for other, along in edges.items()]))
        for other, along in stage.others:
            del self.edges[other][name]
            self.plates[other] &= along
            for third, along_third in stage.others:
                if third != other:
                    common = along & along_third
                    self.edges[other][third] = self.edges[other].get(third, common) & common
        return stage


def eliminate(graph: PlatedGraph, kept: Plates = frozenset()) -> list[Stage]:
    """Sum out all variables, each time one that meets the fewest numbers of others *(Koller and Friedman 2009, 9.4)*.

    The precision of a normal distribution that factorises over the graph has a Cholesky factor without further entries:
    written by the chain rule from the last stage to the first, each variable depends on those of its stage. A variable
    that makes one block of another one's slots waits for those that do not.

    Args:
        graph: is emptied.
        kept: plates whose slots become one block only where no order is without it.

    Returns:
        The stages in their order. Among equals the smaller block goes first, and of these the later variable.

    >>> graph = PlatedGraph({"mu": 1, "z": 1}, {"mu": frozenset(), "z": frozenset({"slots"})}, {"slots": 9})
    >>> graph.join(["mu", "z"], frozenset({"slots"}))
    >>> [(each.name, sorted(each.plates), [name for name, _ in each.others]) for each in eliminate(graph)]
    [('z', ['slots'], ['mu']), ('mu', [], [])]
    """
    every = frozenset(graph.slots)
    places = {name: place for place, name in enumerate(graph.sizes)}
    stages = []
    while graph.edges:
        choices = ([name for name in graph.edges if graph.keeps(name, each)] for each in (every, kept, frozenset()))
        free = next(filter(None, choices))
        name = min(free, key=lambda each: (graph.meets(each), graph.block(each), -places[each]))
        stages.append(graph.sum_out(name))
    return stages
