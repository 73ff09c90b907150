"""Guides as old programs use them: their call as a tuple, and their parameters' former keys in state dicts."""

from virgil.pyro.infer.autoguide.families import (
    AutoContinuous,
    AutoDelta,
    AutoDiagonalNormal,
    AutoDiscreteParallel,
    AutoGaussian,
    AutoIAFNormal,
    AutoLaplaceApproximation,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
    AutoNormalizingFlow,
    AutoStructured,
)
from virgil.pyro.infer.autoguide.guide import AutoGuide
from virgil.pyro.infer.autoguide.guide_list import AutoCallable, AutoGuideList
from virgil.pyro.infer.autoguide.mean_field import mean_field_entropy, prototype_hide_fn
from virgil.pyro.infer.autoguide.messengers import (
    AutoHierarchicalNormalMessenger,
    AutoMessenger,
    AutoMessengerMeta,
    AutoNormalMessenger,
    AutoRegressiveMessenger,
)

__all__ = [
    "AutoCallable",
    "AutoContinuous",
    "AutoDelta",
    "AutoDiagonalNormal",
    "AutoDiscreteParallel",
    "AutoGaussian",
    "AutoGuide",
    "AutoGuideList",
    "AutoHierarchicalNormalMessenger",
    "AutoIAFNormal",
    "AutoLaplaceApproximation",
    "AutoLowRankMultivariateNormal",
    "AutoMessenger",
    "AutoMessengerMeta",
    "AutoMultivariateNormal",
    "AutoNormal",
    "AutoNormalMessenger",
    "AutoNormalizingFlow",
    "AutoRegressiveMessenger",
    "AutoStructured",
    "mean_field_entropy",
    "prototype_hide_fn",
]
