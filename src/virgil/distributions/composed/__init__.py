"""Families made of what they are given: other distributions, samples, one value, a set.

What the shape algebra makes of a distribution (`Independent`, `MaskedDistribution`, `ExpandedDistribution`) belongs to
the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "Censored",
    "CompoundDistribution",
    "ConditionalDistribution",
    "ConditionalTransformedDistribution",
    "ConstantConditionalDistribution",
    "Delta",
    "Empirical",
    "FoldedDistribution",
    "HurdleDistribution",
    "ImproperUniform",
    "LeftTruncatedDistribution",
    "MaskedMixture",
    "MixtureSameFamily",
    "RightTruncatedDistribution",
    "TransformedDistribution",
    "TwoSidedTruncatedDistribution",
    "Unit",
    "ZeroInflatedDistribution",
    "ZeroInflatedNegativeBinomial",
    "ZeroInflatedPoisson",
]

if TYPE_CHECKING:
    from virgil.distributions.composed.censored import Censored
    from virgil.distributions.composed.compound_distribution import CompoundDistribution
    from virgil.distributions.composed.conditional_distribution import ConditionalDistribution
    from virgil.distributions.composed.conditional_transformed_distribution import ConditionalTransformedDistribution
    from virgil.distributions.composed.constant_conditional_distribution import ConstantConditionalDistribution
    from virgil.distributions.composed.delta import Delta
    from virgil.distributions.composed.empirical import Empirical
    from virgil.distributions.composed.folded_distribution import FoldedDistribution
    from virgil.distributions.composed.hurdle_distribution import HurdleDistribution
    from virgil.distributions.composed.improper_uniform import ImproperUniform
    from virgil.distributions.composed.left_truncated_distribution import LeftTruncatedDistribution
    from virgil.distributions.composed.masked_mixture import MaskedMixture
    from virgil.distributions.composed.mixture_same_family import MixtureSameFamily
    from virgil.distributions.composed.right_truncated_distribution import RightTruncatedDistribution
    from virgil.distributions.composed.transformed_distribution import TransformedDistribution
    from virgil.distributions.composed.two_sided_truncated_distribution import TwoSidedTruncatedDistribution
    from virgil.distributions.composed.unit import Unit
    from virgil.distributions.composed.zero_inflated_distribution import ZeroInflatedDistribution
    from virgil.distributions.composed.zero_inflated_negative_binomial import ZeroInflatedNegativeBinomial
    from virgil.distributions.composed.zero_inflated_poisson import ZeroInflatedPoisson
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
