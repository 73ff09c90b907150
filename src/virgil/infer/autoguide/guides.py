"""The guide classes and what they are written with, under the path that programs import them from."""

from virgil.infer.autoguide.composed.guide_list import AutoCallable, AutoGuideList
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.autoguide.joint.auto_diagonal_normal import AutoDiagonalNormal
from virgil.infer.autoguide.joint.auto_low_rank_multivariate_normal import AutoLowRankMultivariateNormal
from virgil.infer.autoguide.joint.auto_multivariate_normal import AutoMultivariateNormal
from virgil.infer.autoguide.site_by_site.auto_delta import AutoDelta
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.infer.autoguide.utils import deep_getattr, deep_setattr

__all__ = [
    "AutoCallable",
    "AutoContinuous",
    "AutoDelta",
    "AutoDiagonalNormal",
    "AutoGuide",
    "AutoGuideList",
    "AutoLowRankMultivariateNormal",
    "AutoMultivariateNormal",
    "AutoNormal",
    "deep_getattr",
    "deep_setattr",
]
