"""Programs that run only as an objective runs them: with the dims of its particles and of enumerated variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from virgil.infer.density.execution import Call, Pair, particle_plate, run_pair

__all__ = ["AsRun", "Together", "as_run"]

_MOST_PLATES = 6  # dims of plates that are tried where their number is not known


@dataclass(frozen=True, slots=True)
class Together:
    """The dims that an execution of an objective has left of those of plates.

    Attributes:
        particles: of the one on their right; 1 for none.
        guide: whether the guide's marked variables have dims.
        model: whether those of the model have that the guide does not state.
    """

    particles: int
    guide: bool
    model: bool

    @property
    def has_dims(self) -> bool:
        """True if there may be any."""
        return self.particles > 1 or self.guide or self.model


@dataclass(frozen=True, slots=True)
class AsRun:
    """An execution with these dims.

    Attributes:
        pair: the execution.
        max_plate_nesting: how many dims the plates take.
    """

    pair: Pair
    max_plate_nesting: int


def as_run(call: Call, together: Together, max_plate_nesting: int | None) -> AsRun | None:
    """An execution of programs that raise an error where they run alone, for instance by an assertion about shapes.

    The dims that their plates take are not known then, so that numbers from 0 are tried.

    Args:
        call: the programs.
        together: the dims that the objective adds.
        max_plate_nesting: how many dims the plates take; ``None`` where the user has not said it.

    Returns:
        ``None`` where they raise an error with these dims too, or there are none.
    """
    if not together.has_dims:
        return None
    given = range(_MOST_PLATES + 1) if max_plate_nesting is None else (max_plate_nesting,)
    return next(_runs(call, together, given), None)


def _runs(call: Call, together: Together, nestings: range | tuple[int]) -> Iterator[AsRun]:
    for number in nestings:
        first, many = -1 - number, together.particles > 1
        enumerates = together.guide or together.model
        try:
            with particle_plate(first, together.particles) if many else nullcontext():
                pair = run_pair(
                    call,
                    enumerate_from=first - many if enumerates else None,
                    guide=together.guide,
                    model=together.model,
                )
        except Exception:
            continue
        yield AsRun(pair, number)
