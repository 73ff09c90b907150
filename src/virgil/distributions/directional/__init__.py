"""Families of angles and directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "ProjectedNormal",
    "SineBivariateVonMises",
    "SineSkewed",
    "VonMises",
    "VonMises3D",
]

if TYPE_CHECKING:
    from virgil.distributions.directional.projected_normal import ProjectedNormal
    from virgil.distributions.directional.sine_bivariate_von_mises import SineBivariateVonMises
    from virgil.distributions.directional.sine_skewed import SineSkewed
    from virgil.distributions.directional.von_mises import VonMises
    from virgil.distributions.directional.von_mises3d import VonMises3D
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
