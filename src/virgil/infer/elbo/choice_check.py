"""The check that what depends on a variable enumerated one value after another lies in the variable's own slots."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from virgil.errors import PlateError
from virgil.infer.density.chain_check import agree
from virgil.infer.density.execution import Call, Pair
from virgil.infer.density.factors import Cost, plate_weights
from virgil.infer.density.summed_out import model_variables
from virgil.infer.elbo.branches import Choice, chosen, has_exact_weight, passes
from virgil.infer.elbo.summed_costs import costs_of
from virgil.infer.elbo.terms import SAMPLED, all_terms
from virgil.ops.factor import Factor
from virgil.poutine.frame import Frame, plates_shape
from virgil.poutine.site import Site

__all__ = ["check_choices"]

Run = Callable[[Call, int], Pair]
Numbers = tuple[int, ...]
Slots = int | Tensor


def check_choices(call: Call, drawn: Pair, run: Run, first_dim: int) -> None:
    """Compare executions in which all slots of a plate have one value with one in which each has its own.

    A cost in the plate must be, in each slot, that of the execution with the slot's value; a cost outside must be the
    same in all of them. What the guide draws below a choice has the values of the execution that it was drawn in.

    Args:
        call: the programs.
        drawn: an execution with one value at each site.
        run: runs the programs once.
        first_dim: the first dim for variables to be enumerated in parallel.

    Raises:
        PlateError: a cost depends on a value in another slot.
    """
    sites = drawn.guide.nodes.values()
    if not any(site.infer.get("enumerate") == "sequential" and site.is_latent and _plates(site) for site in sites):
        return
    groups: dict[object, dict[Numbers, tuple[Pair, list[Choice]]]] = {}
    for pair, made in passes(call, run, first_dim):
        fixed = tuple((each.name, each.number) for each in made if not _plates(pair.guide.nodes[each.name]))
        groups.setdefault(fixed, {})[tuple(int(each.number) for each in made)] = pair, made
    for group in groups.values():
        pair, made = next(iter(group.values()))
        pairs = {numbers: each for numbers, (each, _) in group.items()}
        if _states_the_same(pair, pairs, made):
            _Comparison(call, run, first_dim, made, pairs).check()


def _plates(site: Site) -> dict[str, Frame]:
    """The plates around a site that occupy a dim, by name, the leftmost first."""
    return {frame.name: frame for frame in sorted(site.frames, key=lambda frame: frame.dim or 0) if frame.dim}


def _states_the_same(first: Pair, pairs: dict[Numbers, Pair], made: Sequence[Choice]) -> bool:
    """True if executions state the same sites; where a plate has one slot alone, its value may decide what is stated.

    Raises:
        PlateError: other values in several slots make the programs state other sites.
    """
    names = [*first.guide.nodes], [*first.model.nodes]
    if all(([*pair.guide.nodes], [*pair.model.nodes]) == names for pair in pairs.values()):
        return True
    for each in made:
        plates = _plates(first.guide.nodes[each.name])
        if math.prod(frame.size for frame in plates.values()) > 1:
            raise PlateError(
                f"What the programs state depends on {each.name!r}, which is enumerated one value after another in "
                f"plate {next(iter(plates))!r}, whose slots have values of their own. State the same sites for all "
                "values, or iterate the plate."
            )
    return False


class _Comparison:
    """The executions that have the same choices outside of all plates.

    Args:
        call, run, first_dim: as for :func:`check_choices`.
        made: the choices of the first one.
        pairs: the executions, by the numbers of the values chosen.
    """

    def __init__(
        self, call: Call, run: Run, first_dim: int, made: Sequence[Choice], pairs: dict[Numbers, Pair]
    ) -> None:
        self.call, self.run, self.first_dim, self.pairs = call, run, first_dim, pairs
        self.made = made
        self.first = next(iter(pairs))
        self.plates = [_plates(pairs[self.first].guide.nodes[each.name]) for each in made]

    def check(self) -> None:
        """Compare each with the one that a cost may depend on, and all with some that have mixed values."""
        found = {numbers: self._costs(numbers, self._own(numbers)) for numbers in self.pairs}
        again = self._costs(self.first, self._own(self.first))
        trials = [[self._mixed(choice, is_random) for choice in self.made] for is_random in (False, True, True)]
        mixed = [(numbers, self._costs(numbers, self._stitched_sites(numbers))) for numbers in trials]
        for place, cost in enumerate(found[self.first]):
            if not _agree(cost, again[place]):  # of a program that is random besides its sites
                continue
            local = self._local(cost.factor.dims)
            for numbers, costs in found.items():
                if not _agree(costs[place], found[self._source(numbers, local)][place]):
                    raise self._outside(costs[place], local)
            factors = {numbers: costs[place].factor for numbers, costs in found.items()}
            for slots, costs in mixed:
                if not _agree(costs[place], replace(cost, factor=self._stitched_factor(factors, local, slots))):
                    raise self._across(cost, local)

    def _mixed(self, choice: Choice, is_random: bool) -> Slots:
        """The number of a value for each slot: any, or another one than in the slot before."""
        site = self.pairs[self.first].guide.nodes[choice.name]
        if not _plates(site):
            return choice.number
        shape = plates_shape(site.name, (), site.frames)
        if is_random:
            return torch.randint(choice.count, shape)
        return torch.arange(shape.numel()).reshape(shape) % choice.count

    def _local(self, dims: Iterable[str]) -> list[int]:
        """The places of the variables in plates that lie in no other plates than these."""
        return [place for place, plates in enumerate(self.plates) if plates and plates.keys() <= set(dims)]

    def _above(self, site: Site) -> list[int]:
        """The places of the variables that what is drawn at the site may depend on; a mini-batch depends on none."""
        return [] if site.kind == "plate" else self._local(_plates(site))

    def _source(self, numbers: Sequence[int], local: Sequence[int]) -> Numbers:
        """The choices in the execution that has these where they matter, and the first ones elsewhere."""
        return tuple(numbers[place] if place in local else number for place, number in enumerate(self.first))

    def _costs(self, numbers: Sequence[Slots], drawn: dict[str, Site]) -> list[Cost]:
        """The costs of the execution with these choices and values drawn."""
        choices = [replace(choice, number=number) for choice, number in zip(self.made, numbers, strict=True)]
        pair, _ = chosen(self.call, self.run, self.first_dim, tuple(choices), drawn)
        return costs_of(pair, all_terms(pair, SAMPLED), model_variables(pair), plate_weights(pair))

    def _drawn(self) -> dict[str, Site]:
        """The sites of the first execution whose values are drawn."""
        pair = self.pairs[self.first]
        sites = {**pair.model.nodes, **pair.guide.nodes}
        return {name: site for name, site in sites.items() if site.kind == "plate" or _is_drawn(site)}

    def _value(self, name: str, numbers: Numbers) -> Tensor:
        pair = self.pairs[numbers]
        value: Tensor = (pair.guide.nodes.get(name) or pair.model.nodes[name]).value
        return value

    def _own(self, numbers: Numbers) -> dict[str, Site]:
        """The sites drawn, each with the value of the execution that it may depend on."""
        return {
            name: site.with_value(self._value(name, self._source(numbers, self._above(site))))
            for name, site in self._drawn().items()
        }

    def _stitched_sites(self, slots: Sequence[Slots]) -> dict[str, Site]:
        """The sites drawn, in each slot with the value of the execution that has the slot's choices."""
        found = {}
        for name, site in self._drawn().items():
            value, local = self._value(name, self.first), self._above(site)
            ones = (1,) * len(site.fn.event_shape)
            for numbers in self._choices(local):
                is_here = _is_here(numbers, local, slots)
                value = torch.where(is_here.reshape(is_here.shape + ones), self._value(name, numbers), value)
            found[name] = site.with_value(value)
        return found

    def _stitched_factor(self, factors: dict[Numbers, Factor], local: Sequence[int], slots: Sequence[Slots]) -> Factor:
        """A factor that is in each slot the one of the execution with the slot's choices."""
        dims = factors[self.first].dims
        plates = {name: frame for place in local for name, frame in self.plates[place].items()}
        names = sorted(plates, key=lambda name: plates[name].dim or 0)
        logs = factors[self.first].logs
        for numbers in self._choices(local):
            sizes = [plates[name].size for name in names]
            is_here = Factor(_is_here(numbers, local, slots).reshape(sizes), tuple(names))
            logs = torch.where(is_here.aligned(dims), factors[numbers].logs, logs)
        return Factor(logs, dims)

    def _choices(self, local: Sequence[int]) -> list[Numbers]:
        """The choices of the variables at these places, with the first ones elsewhere."""
        ranges = [
            range(choice.count) if place in local else (self.first[place],) for place, choice in enumerate(self.made)
        ]
        return list(product(*ranges))

    def _outside(self, cost: Cost, local: Sequence[int]) -> PlateError:
        """The error where a cost depends on a variable of a plate that it does not lie in."""
        place = next(place for place, plates in enumerate(self.plates) if plates and place not in local)
        name = self.made[place].name
        plate = next(plate for plate in self.plates[place] if plate not in cost.factor.dims)
        sites = ", ".join(map(repr, sorted(cost.sites)))
        what = f"Site {sites} depends" if len(cost.sites) == 1 else f"What the model sums out at {sites} depends"
        return PlateError(
            f"{what} on {name!r}, which is enumerated one value after another in plate {plate!r}, but is itself "
            "outside this plate, so that every combination of values in its slots would have to be summed. Put the "
            f"statement in the plate, or sample {name!r} in the guide without enumerating it."
        )

    def _across(self, cost: Cost, local: Sequence[int]) -> PlateError:
        """The error where a cost depends on the values in other slots, or outside on their differences."""
        if not local:
            return self._outside(cost, local)
        names = ", ".join(repr(self.made[place].name) for place in local)
        sites = sorted(cost.sites)
        return PlateError(
            f"At site {sites[0]!r}, the log-probability in a slot depends on the values of {names} in other slots, "
            f"and the guide enumerates {names} one value after another, so that every combination of values would have "
            "to be summed. Use the slot's own value alone, or sample the variable in the guide without enumerating it."
        )


def _is_here(numbers: Numbers, local: Sequence[int], slots: Sequence[Slots]) -> Tensor:
    """The slots whose numbers are these at some places. Shape: ``(*plates,)``."""
    here = torch.tensor(True)
    for place in local:
        here = here & (torch.as_tensor(slots[place]) == numbers[place])
    return here


def _is_drawn(site: Site) -> bool:
    return site.is_latent and not has_exact_weight(site)


def _agree(one: Cost, other: Cost) -> bool:
    return one.factor.dims == other.factor.dims and agree(one.factor.logs, other.factor.logs)
