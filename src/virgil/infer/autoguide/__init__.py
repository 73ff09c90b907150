"""Guides made from models, one family a file.

A guide is a ``torch.nn.Module``. Its call states one latent site for each of the model's and returns a dict from site
to value; :mod:`~virgil.infer.autoguide.initialization` says where it begins.
"""

from typing import TYPE_CHECKING

from virgil.infer.autoguide.composed.auto_amortized import AutoAmortized
from virgil.infer.autoguide.composed.auto_partial_non_centered import AutoPartialNonCentered
from virgil.infer.autoguide.composed.completed_guide import CompletedGuide, complete
from virgil.infer.autoguide.composed.guide_list import AutoCallable, AutoGuideList
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.initialization import (
    init_to_feasible,
    init_to_generated,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)
from virgil.infer.autoguide.joint.auto_batched_multivariate_normal import AutoBatchedMultivariateNormal
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.autoguide.joint.auto_dais import AutoDAIS
from virgil.infer.autoguide.joint.auto_diagonal_normal import AutoDiagonalNormal
from virgil.infer.autoguide.joint.auto_gaussian import AutoGaussian
from virgil.infer.autoguide.joint.auto_laplace_approximation import AutoLaplaceApproximation
from virgil.infer.autoguide.joint.auto_low_rank_multivariate_normal import AutoLowRankMultivariateNormal
from virgil.infer.autoguide.joint.auto_multivariate_normal import AutoMultivariateNormal
from virgil.infer.autoguide.joint.auto_normalizing_flow import AutoIAFNormal, AutoNormalizingFlow
from virgil.infer.autoguide.joint.auto_structured import AutoStructured
from virgil.infer.autoguide.messenger.auto_hierarchical_normal_messenger import AutoHierarchicalNormalMessenger
from virgil.infer.autoguide.messenger.auto_messenger import AutoMessenger
from virgil.infer.autoguide.messenger.auto_normal_messenger import AutoNormalMessenger
from virgil.infer.autoguide.messenger.auto_regressive_messenger import AutoRegressiveMessenger
from virgil.infer.autoguide.site_by_site.auto_delta import AutoDelta
from virgil.infer.autoguide.site_by_site.auto_discrete_parallel import AutoDiscreteParallel
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.ops import absent_names

__all__ = [
    "AutoAmortized",
    "AutoBatchedMultivariateNormal",
    "AutoCallable",
    "AutoContinuous",
    "AutoDAIS",
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
    "AutoMultivariateNormal",
    "AutoNormal",
    "AutoNormalMessenger",
    "AutoNormalizingFlow",
    "AutoPartialNonCentered",
    "AutoRegressiveMessenger",
    "AutoStructured",
    "CompletedGuide",
    "complete",
    "init_to_feasible",
    "init_to_generated",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there
    __getattr__ = absent_names.refusing(__name__, __all__)
