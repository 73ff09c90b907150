"""``rv``, which every distribution of old programs has: ``dist.Uniform(0.0, 1.0).rv``."""

from __future__ import annotations

from virgil.contrib.randomvariable import RandomVariable
from virgil.distributions import Distribution

__all__ = ["give_rv"]


def give_rv() -> None:
    """Let every distribution have ``rv``, itself as a :class:`RandomVariable`."""
    setattr(Distribution, "rv", property(RandomVariable))  # noqa: B010  which no class says that it has
