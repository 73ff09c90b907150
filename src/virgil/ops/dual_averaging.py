"""Dual averaging: the search for a number at which noisy slopes vanish."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["DualAverages"]


@dataclass(frozen=True, slots=True)
class DualAverages:
    r"""The state of dual averaging after some slopes.

    .. math::
        \bar g_t = (1 - \tfrac{1}{t + t_0}) \bar g_{t-1} + \tfrac{g_t}{t + t_0}, \quad
        x_t = \mu - \tfrac{\sqrt t}{\gamma} \bar g_t, \quad
        \bar x_t = (1 - t^{-\kappa}) \bar x_{t-1} + t^{-\kappa} x_t

    *(Nesterov 2009; Hoffman and Gelman 2014, section 3.2)*

    Attributes:
        centre: :math:`\mu`, towards which numbers are drawn.
        delay: :math:`t_0`, which damps the first steps.
        decay: :math:`\kappa`, in (0.5, 1], by which early numbers lose weight in the average.
        pull: :math:`\gamma`, how strongly numbers are drawn to the centre.
        count: how many slopes have come, ``t``.
        slope: their average.
        latest: the number to try next.
        average: of the numbers tried, what they converge to.
    """

    centre: float = 0.0
    delay: float = 10.0
    decay: float = 0.75
    pull: float = 0.05
    count: int = 0
    slope: float = 0.0
    latest: float = 0.0
    average: float = 0.0

    def updated(self, slope: float) -> DualAverages:
        """After one more slope, measured at ``latest``."""
        count = self.count + 1
        share = 1 / (count + self.delay)
        mean = (1 - share) * self.slope + share * slope
        latest = self.centre - count**0.5 / self.pull * mean
        weight = count**-self.decay
        average = (1 - weight) * self.average + weight * latest
        return replace(self, count=count, slope=mean, latest=latest, average=average)
