"""An optimiser as its user holds it, where that is another object than the one that steps."""

from __future__ import annotations

from virgil.optim.optimizer import Optimizer

__all__ = ["Facade"]


class Facade:
    """An object that stands for an optimiser: SVI steps its ``optimizer``.

    Where that was made with this object as its ``facade``, ``SVI.optim`` is this object again.

    Attributes:
        optimizer: the optimiser that steps.
    """

    optimizer: Optimizer
