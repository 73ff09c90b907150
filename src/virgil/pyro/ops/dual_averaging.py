"""Dual averaging as an object that changes, for old programs."""

from __future__ import annotations

from virgil.ops.dual_averaging import DualAverages

__all__ = ["DualAveraging"]


class DualAveraging:
    """The search for a number at which noisy slopes vanish; :class:`~virgil.ops.dual_averaging.DualAverages`.

    Args:
        prox_center: towards which numbers are drawn.
        t0: damps the first steps.
        kappa: in (0.5, 1], by which early numbers lose weight in the average.
        gamma: how strongly numbers are drawn to the centre.
    """

    def __init__(self, prox_center: float = 0, t0: float = 10, kappa: float = 0.75, gamma: float = 0.05) -> None:
        self.prox_center = prox_center
        self.t0 = t0
        self.kappa = kappa
        self.gamma = gamma
        self.reset()

    def reset(self) -> None:
        """Forget all slopes."""
        self._state = DualAverages(self.prox_center, self.t0, self.kappa, self.gamma)

    def step(self, g: float) -> None:
        """Take one more slope."""
        self._state = self._state.updated(g)

    def get_state(self) -> tuple[float, float]:
        """The number to try next, and the average of those tried."""
        return self._state.latest, self._state.average
