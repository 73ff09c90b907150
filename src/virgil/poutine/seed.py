"""``seed``: run a program on random numbers of its own."""

from __future__ import annotations

from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.ops.random_state import preserved_rng, set_rng_seed
from virgil.poutine.runtime import Handler
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Seed", "seed"]


class Seed(Handler):
    """Seeds all generators at entry and puts their former state back at exit."""

    def __init__(self, rng_seed: int) -> None:
        if not isinstance(rng_seed, int) or isinstance(rng_seed, bool) or not 0 <= rng_seed < 2**63:
            raise ArgumentError(f"seed() got rng_seed={shown(rng_seed)}; it takes a whole number, 0 or more.")
        self.rng_seed = rng_seed
        self._open: list[Any] = []

    def __enter__(self) -> Seed:
        block = preserved_rng()
        block.__enter__()
        self._open.append(block)
        set_rng_seed(self.rng_seed)
        super().__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        self._open.pop().__exit__(None, None, None)


def seed(fn: Program | None = None, rng_seed: int | None = None) -> Any:
    """Run a program with every generator seeded; the generators' state outside is not touched.

    Args:
        fn: the program; without one, the handler is returned.
        rng_seed: the seed.
    """
    if rng_seed is None:
        raise ArgumentError("seed() needs rng_seed=, a whole number.")
    return wrapped(Seed(rng_seed), fn)
