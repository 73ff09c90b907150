"""``Dependence``: the latent variables that the densities of a guide and a model are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from virgil.infer.density.provenance import OUTSIDE, Provenance, names_in
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["Densities", "Dependence", "Watch", "marked"]

Names = frozenset[str]
_NONE: Names = frozenset()


class Densities(NamedTuple):
    """The densities that a term is computed from.

    Attributes:
        guide: names of the guide's sites.
        model: names of the model's.
        at_values: whether they are taken at values of these sites; else the distributions alone matter.
    """

    guide: Names
    model: Names
    at_values: bool


class Dependence:
    """The latent variables behind each density, as executions have shown.

    A variable is *behind* another one if that one's distribution is computed from its value, directly or by way of
    further variables. A variable that both programs state is drawn by the guide, so the guide's distribution counts.

    Args:
        guide: by sample statement of the guide, in its order, the latent variables that are read there.
        model: likewise of the model.
        plates: by variable, the plates around it.
        mixed: plates whose slots are known to read one another.
    """

    def __init__(
        self,
        guide: Mapping[str, Names],
        model: Mapping[str, Names],
        plates: Mapping[str, Names],
        mixed: Names = frozenset(),
    ) -> None:
        self._guide = guide
        self._model = model
        self._plates = plates
        self._mixed = mixed
        self._behind: dict[str, Names] = {}
        self._of_terms: dict[Densities, Names] = {}
        self._joins: dict[tuple[str, str, Densities], bool] = {}
        before = None
        while self._behind != before:
            before = dict(self._behind)
            for name, read in {**model, **guide}.items():
                self._behind[name] = self._with_all_behind(read - {name})

    def behind(self, term: Densities) -> Names:
        """All variables that a term depends on."""
        known = self._of_terms.get(term)
        if known is None:
            known = self._of_terms[term] = self._with_all_behind(self._read(term))
        return known

    def joins(self, name: str, plate: str, term: Densities) -> bool:
        """True if the term may depend on a variable's value in other slots of a plate than its own.

        It does by way of a variable outside the plate; slots of one plate are independent given what is outside, unless
        the plate is mixed.
        """
        if plate in self._mixed:
            return True
        key = name, plate, term
        known = self._joins.get(key)
        if known is None:
            between = (each for each in self.behind(term) if name in self._behind.get(each, _NONE))
            known = self._joins[key] = any(plate not in self._plates.get(each, _NONE) for each in between)
        return known

    def _read(self, term: Densities) -> set[str]:
        own = term.guide | term.model
        read = set().union(*(self._guide[each] for each in term.guide), *(self._model[each] for each in term.model))
        return read | own if term.at_values else read - own

    def _with_all_behind(self, read: Iterable[str]) -> Names:
        return frozenset(read).union(*(self._behind.get(each, ()) for each in read))


class Watch(Handler):
    """Records which latent variables each sample statement reads: the innermost handler of a program that is followed.

    Args:
        provenance: follows the values, those of guide and model alike.

    Attributes:
        reads: by sample statement, in order, the latent variables that its distribution, mask and scale are computed
            from, and its value before it is marked.
        plates: by sample statement, the names of the plates around it.
    """

    def __init__(self, provenance: Provenance) -> None:
        self.provenance = provenance
        self.reads: dict[str, Names] = {}
        self.plates: dict[str, Names] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Finish the site; the program goes on with a marked value."""
        with self.provenance.collecting() as read:
            finished = outer(site)
            if finished.kind != "sample":
                return finished
            of_value = self._of(finished.value)
            own = marked(self.provenance, finished) if finished.is_latent else finished
            read |= of_value | self._of(own.unscaled_log_prob) | self._of(own.mask) | self._of(own.scale)
        self.reads[site.name] = self.reads.get(site.name, _NONE) | names_in(read)  # of all executions
        self.plates[site.name] = frozenset(frame.name for frame in own.frames)
        return own

    def _of(self, value: Any) -> frozenset[Any]:
        return self.provenance.of(value) - {OUTSIDE} if isinstance(value, Tensor) else frozenset()


def marked(provenance: Provenance, site: Site) -> Site:
    """The site with a value in memory of its own, whose one origin is the site."""
    if not isinstance(site.value, Tensor):
        return site
    value = site.value.clone()
    provenance.mark(value, site.name)
    return site.replace(value=value)
