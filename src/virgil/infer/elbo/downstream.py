"""The terms downstream of a latent variable: those that its value can influence, in which slots of its plates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from virgil.infer.density.dependence import Densities, Dependence
from virgil.infer.density.execution import Pair
from virgil.poutine.frame import Frame, in_other_rounds, rounds_of

__all__ = ["Downstream", "Stated", "downstream"]

Frames = tuple[Frame, ...]
_NONE: frozenset[str] = frozenset()


class Stated(Protocol):
    """A term and where the programs state it."""

    @property
    def guide_position(self) -> int | None:
        """The last statement of the guide that it depends on."""
        ...

    @property
    def model_position(self) -> int | None:
        """Where the model states it."""
        ...

    @property
    def rounds(self) -> Mapping[str, int]:
        """The round of each iterated plate around it."""
        ...

    @property
    def sites(self) -> frozenset[str]:
        """The names of the sites whose densities it is made of."""
        ...


class Downstream(Protocol):
    """Tells which terms can depend on a variable of the guide."""

    def apart(self, position: int, frames: Frames, term: Stated) -> Frames | None:
        """The plates around the variable whose other slots in the term cannot depend on it.

        Args:
            position: the variable's statement in the guide.
            frames: the plates around it.
            term: any term.

        Returns:
            ``None`` where no slot of the term can.
        """
        ...


def downstream(pair: Pair) -> Downstream:
    """Downstream in this execution: by the dependences that are known, else by the order of the statements."""
    return ByOrder(pair) if pair.dependence is None else ByDependence(pair, pair.dependence)


class ByDependence:
    """Downstream by what the densities are computed from: it does not matter in what order the programs state them."""

    def __init__(self, pair: Pair, dependence: Dependence) -> None:
        self._names = list(pair.guide.nodes)
        self._dependence = dependence
        self._terms: dict[int, tuple[Stated, Densities, frozenset[str]]] = {}

    def apart(self, position: int, frames: Frames, term: Stated) -> Frames | None:
        """As for :class:`Downstream`."""
        known = self._terms.get(id(term))
        if known is None:
            densities = self._densities(term)
            known = self._terms[id(term)] = term, densities, self._dependence.behind(densities)
        name, (_, densities, behind) = self._names[position], known
        if name not in behind:
            return None
        return tuple([frame for frame in frames if not self._dependence.joins(name, frame.name, densities)])

    def _densities(self, term: Stated) -> Densities:
        """The densities of a term. A divergence depends on no value of its variable."""
        sites, place = term.sites, term.guide_position
        if term.model_position is not None:
            return Densities(_NONE, sites, True)
        if place is not None and place >= 0 and self._names[place] in sites:
            return Densities(sites, _NONE, True)
        return Densities(sites, sites, False)


class ByOrder:
    """Downstream as far as the order of the statements and their plates tell.

    A value passes on to every later statement of the guide; and to the model from where it first reads this value, or
    that of a later variable of the guide. Slots of a plate stay apart until a variable outside the plate, which may
    depend on all of them, has been drawn: what comes after that may depend on any slot.
    """

    def __init__(self, pair: Pair) -> None:
        places = {name: place for place, name in enumerate(pair.model.nodes)}
        self._latents = [
            (position, {frame.name for frame in site.frames})
            for position, site in enumerate(pair.guide.nodes.values())
            if site.is_latent
        ]
        names = list(pair.guide.nodes)
        self._first_read: dict[int, float] = {}
        earliest = math.inf
        for position, _ in reversed(self._latents):
            earliest = min(earliest, places.get(names[position], math.inf))
            self._first_read[position] = earliest

    def apart(self, position: int, frames: Frames, term: Stated) -> Frames | None:
        """As for :class:`Downstream`."""
        if not self._reaches(position, term):
            return None
        apart = tuple(frame for frame in frames if not self._joined(position, frame, term))
        return None if in_other_rounds(term.rounds, rounds_of(apart)) else apart

    def _reaches(self, position: int, term: Stated) -> bool:
        """True if the term can depend on the variable at this position of the guide."""
        in_guide = term.guide_position is not None and term.guide_position >= position
        return in_guide or (term.model_position is not None and term.model_position >= self._first_read[position])

    def _joined(self, position: int, frame: Frame, term: Stated) -> bool:
        later = (place for place, names in self._latents if place > position and frame.name not in names)
        joint = next(later, None)
        return joint is not None and self._reaches(joint, term)
