"""``Budget``: how much a ladder may spend, and the clock that it runs by."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

from virgil.errors import ArgumentError, shown

__all__ = ["Budget", "budget_of"]


@dataclass(frozen=True)
class Budget:
    """How much a ladder may spend.

    Attributes:
        starts: from how many places to climb to modes.
        rounds: of a mixture's learning, for each number of components.
        draws: the most weighted draws of an answer.
        warmup: steps of each chain before its draws.
        chain_draws: the most draws of a chain; 0 for no chains.
        steps: of a stochastic optimiser.
        seconds: after which nothing new is begun; infinite without a limit.
        begin: when it began, by ``time.perf_counter``.
    """

    starts: int
    rounds: int
    draws: int
    warmup: int
    chain_draws: int
    steps: int
    seconds: float = math.inf
    begin: float = field(default_factory=time.perf_counter)

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self.begin

    @property
    def left(self) -> float:
        """Seconds that are left; infinite without a limit."""
        return self.seconds - self.spent

    @property
    def is_open(self) -> bool:
        """True while there is time left."""
        return self.left > 0


_NAMED = {
    "quick": Budget(starts=2, rounds=6, draws=10_000, warmup=0, chain_draws=0, steps=2_000),
    "auto": Budget(starts=4, rounds=12, draws=40_000, warmup=150, chain_draws=800, steps=10_000),
    "thorough": Budget(starts=16, rounds=24, draws=200_000, warmup=500, chain_draws=6_400, steps=50_000),
}


def budget_of(given: object) -> Budget:
    """The budget of a name, or of a number of seconds.

    Raises:
        ArgumentError: it is neither.
    """
    begin = time.perf_counter()
    if isinstance(given, str) and given in _NAMED:
        return replace(_NAMED[given], begin=begin)
    if isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0:
        return replace(_NAMED["auto"], seconds=float(given), begin=begin)
    raise ArgumentError(
        f'fit() got budget={shown(given)}; it takes "quick", "auto", "thorough", or a number of seconds above 0.'
    )
