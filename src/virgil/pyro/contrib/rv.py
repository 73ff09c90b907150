"""``rv``, which every distribution of old programs has: ``dist.Uniform(0.0, 1.0).rv``."""

from __future__ import annotations

from virgil.contrib.randomvariable import RandomVariable
from virgil.distributions import Distribution

__all__ = ["give_rv"]


def give_rv() -> None:
    """Let every distribution have ``rv``, itself as a :class:`RandomVariable`."""
    value = property(RandomVariable, doc="Itself as a random variable.")  # a doc of its own, or the class's is taken
    setattr(Distribution, "rv", value)  # noqa: B010  which no class says that it has
