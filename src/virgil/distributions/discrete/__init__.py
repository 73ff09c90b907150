"""Families of one count, or of labels and their counts.

Names and parameters are torch's where torch has the family. ``probs`` and ``logits`` are two forms of one parameter:
give exactly one of them. Probabilities and moments are those of the volume *(Johnson, Kemp and Kotz 2005)*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "Bernoulli",
    "BetaBinomial",
    "Binomial",
    "Categorical",
    "DirichletMultinomial",
    "DiscreteUniform",
    "ExtendedBetaBinomial",
    "ExtendedBinomial",
    "GammaPoisson",
    "Geometric",
    "HyperGeometric",
    "LogNormalNegativeBinomial",
    "Multinomial",
    "NegativeBinomial",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "OrderedLogistic",
    "Poisson",
    "Skellam",
]

if TYPE_CHECKING:
    from virgil.distributions.discrete.bernoulli import Bernoulli
    from virgil.distributions.discrete.beta_binomial import BetaBinomial
    from virgil.distributions.discrete.binomial import Binomial
    from virgil.distributions.discrete.categorical import Categorical
    from virgil.distributions.discrete.dirichlet_multinomial import DirichletMultinomial
    from virgil.distributions.discrete.discrete_uniform import DiscreteUniform
    from virgil.distributions.discrete.extended_beta_binomial import ExtendedBetaBinomial
    from virgil.distributions.discrete.extended_binomial import ExtendedBinomial
    from virgil.distributions.discrete.gamma_poisson import GammaPoisson
    from virgil.distributions.discrete.geometric import Geometric
    from virgil.distributions.discrete.hyper_geometric import HyperGeometric
    from virgil.distributions.discrete.log_normal_negative_binomial import LogNormalNegativeBinomial
    from virgil.distributions.discrete.multinomial import Multinomial
    from virgil.distributions.discrete.negative_binomial import NegativeBinomial
    from virgil.distributions.discrete.one_hot_categorical import OneHotCategorical
    from virgil.distributions.discrete.one_hot_categorical_straight_through import OneHotCategoricalStraightThrough
    from virgil.distributions.discrete.ordered_logistic import OrderedLogistic
    from virgil.distributions.discrete.poisson import Poisson
    from virgil.distributions.discrete.skellam import Skellam
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
