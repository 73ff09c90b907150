"""The terms downstream of a latent variable, as far as the order of the statements and their plates tell."""

from __future__ import annotations

import math
from typing import Protocol

from virgil.infer.density.execution import Pair
from virgil.poutine.frame import Frame

__all__ = ["Downstream"]


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


class Downstream:
    """The terms that can depend on a value, given where the guide draws it.

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

    def reaches(self, position: int, term: Stated) -> bool:
        """True if the term can depend on the variable at this position of the guide."""
        in_guide = term.guide_position is not None and term.guide_position >= position
        return in_guide or (term.model_position is not None and term.model_position >= self._first_read[position])

    def apart(self, position: int, frames: tuple[Frame, ...], term: Stated) -> tuple[Frame, ...]:
        """The plates around the variable whose other slots in the term cannot depend on it."""
        return tuple(frame for frame in frames if not self._joined(position, frame, term))

    def _joined(self, position: int, frame: Frame, term: Stated) -> bool:
        later = (place for place, names in self._latents if place > position and frame.name not in names)
        joint = next(later, None)
        return joint is not None and self.reaches(joint, term)
