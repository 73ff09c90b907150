"""The sine model of two angles, with the limit of rejections that old programs set."""

from __future__ import annotations

from virgil.distributions.directional import sine_bivariate_von_mises

__all__ = ["SineBivariateVonMises"]


class SineBivariateVonMises(sine_bivariate_von_mises.SineBivariateVonMises):
    """The house's own. Its draws reject nothing, so ``max_sample_iter`` has no effect."""

    max_sample_iter = 1000
