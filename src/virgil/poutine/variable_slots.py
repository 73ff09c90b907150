"""``VariableSlots``: where enumerated variables have their dims, and which of them a site can see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations, pairwise

from virgil.poutine.frame import ChainStep, Frame, in_other_rounds, rounds_of
from virgil.poutine.site import Site

__all__ = ["MOST_DIMS", "Variable", "VariableSlots"]

MOST_DIMS = 60  # torch's limit is 64; events and plates need some
_SPREAD = 24

Round = tuple[str, int]  # the name of an iterated plate, and a number


@dataclass(frozen=True, slots=True)
class Variable:
    """An enumerated variable, the dim of its values, and where it was stated."""

    name: str
    dim: int
    frames: tuple[Frame, ...]
    steps: tuple[ChainStep, ...]


Held = tuple[int, Variable]  # a slot and the variable in it


class VariableSlots:
    """The slots of an execution's variables, from ``first_dim`` to the left, and with each slot a dim.

    A slot is used again once no later site can see its variable. Variables in rounds of an iterated plate share slots.
    When a later loop over the same plate comes back to a round, its sites see the variables of that round again.

    Args:
        first_dim: left of all plates.
        apart: whether a dim is used again as late as possible; it is then not that of the slot.
    """

    def __init__(self, first_dim: int, apart: bool) -> None:
        self.first_dim, self.apart = first_dim, apart
        self._held: dict[int, Variable] = {}
        self._left: dict[frozenset[Round], list[Held]] = {}  # those whose slot another round has taken
        self._left_by_slot: dict[int, dict[frozenset[str], set[frozenset[Round]]]] = {}  # their rounds, by the plates
        self._left_dims: set[int] = set()
        self._last = first_dim + 1  # the dim given out last

    def visible(self, site: Site) -> dict[int, str]:
        """The variables that the site may depend on, as far as iterated plates and Markov chains tell, by dim."""
        return {variable.dim: variable.name for _, variable in self._around(site) if _sees(site, variable)}

    def busy(self, visible: Collection[int], site: Site) -> dict[int, int]:
        """The slots, each with its dim, whose variables this site or a later one may see."""
        return {
            slot: variable.dim
            for slot, variable in self._around(site)
            if variable.dim in visible or _is_open(site, variable)
        }

    def free(self, busy: Mapping[int, int], site: Site) -> tuple[int, int]:
        """The slot and the dim that a variable of the site gets, beside those that are busy."""
        elsewhere = self._elsewhere(site)
        slot = self.first_dim
        while slot in busy or slot in elsewhere:
            slot -= 1
        if not self.apart:
            return slot, slot
        taken = set(busy.values())
        if elsewhere:
            dim = self._far(taken | self._left_dims)
            return slot, dim if dim >= -MOST_DIMS else self._far(taken)
        return slot, self._far(taken)

    def hold(self, slot: int, dim: int, site: Site) -> None:
        """Give the site's variable a slot. One of another round, which had it before, has it in its own round."""
        former, rounds = self._held.get(slot), rounds_of(site.frames)
        if former is not None and in_other_rounds(rounds, its := rounds_of(former.frames)):
            items = frozenset(its.items())
            self._left.setdefault(items, []).append((slot, former))
            self._left_by_slot.setdefault(slot, {}).setdefault(frozenset(its), set()).add(items)
            self._left_dims.add(former.dim)
        self._held[slot] = Variable(site.name, dim, site.frames, site.steps)

    def _around(self, site: Site) -> Iterable[Held]:
        """The variables in their slots as they are where the site stands."""
        if not self._left or not (rounds := rounds_of(site.frames)):
            return self._held.items()
        each = [*rounds.items()]
        subsets = chain.from_iterable(combinations(each, size) for size in range(1, len(each) + 1))
        left = chain.from_iterable(self._left.get(frozenset(subset), ()) for subset in subsets)
        return chain(left, self._held.items())

    def _elsewhere(self, site: Site) -> set[int]:
        """Slots of variables in rounds of plates that the site is not in: later sites may see those and this one."""
        if not self._left_by_slot:
            return set()
        rounds = rounds_of(site.frames)
        return {
            slot
            for slot, by_plates in self._left_by_slot.items()
            for plates, each in by_plates.items()
            if not plates <= rounds.keys() and not all(in_other_rounds(rounds, dict(its)) for its in each)
        }

    def _far(self, taken: set[int]) -> int:
        """The dim that has been free for longest, among so few that tensors keep few dims."""
        end = max(self.first_dim - _SPREAD, -MOST_DIMS)
        dims: list[int] = [*range(self._last - 1, end, -1), *range(self.first_dim, end, -1)]
        for dim in dims:
            if dim not in taken:
                self._last = dim
                return dim
        return min(taken) - 1


def _sees(site: Site, variable: Variable) -> bool:
    """True if the site may depend on the variable, as far as iterated plates and Markov chains tell."""
    if in_other_rounds(rounds_of(site.frames), rounds_of(variable.frames)):
        return False
    common = 0
    for mine, its in zip(site.steps, variable.steps, strict=False):
        if mine != its:
            return _across(mine, its, nested=_repeats(site.steps[: common + 1]))
        common += 1
    inner = site.steps[common:]
    return all(_depth(inner, step) <= step.history for step in variable.steps)


def _is_open(site: Site, variable: Variable) -> bool:
    """True if the site is in all steps and rounds of the variable, so that later statements may see the variable."""
    if not rounds_of(variable.frames).items() <= rounds_of(site.frames).items():
        return False
    return site.steps[: len(variable.steps)] == variable.steps


def _across(mine: ChainStep, its: ChainStep, nested: bool) -> bool:
    """True if a step sees another one that is not around it."""
    if mine.chain != its.chain or nested:
        return its.keep
    return mine.number - its.number <= mine.history


def _repeats(steps: tuple[ChainStep, ...]) -> bool:
    """True if the innermost step belongs to a chain that calls itself."""
    return any(outer.chain == inner.chain for outer, inner in pairwise(steps))


def _depth(inner: tuple[ChainStep, ...], step: ChainStep) -> int:
    """The number of steps of the same chain that lie further in."""
    return sum(each.chain == step.chain for each in inner)
