"""Families of whole sequences: one event is one series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "AR",
    "CoalescentRateLikelihood",
    "CoalescentTimes",
    "CoalescentTimesWithRate",
    "DiscreteHMM",
    "EulerMaruyama",
    "GammaGaussianHMM",
    "GaussianHMM",
    "GaussianMRF",
    "GaussianRandomWalk",
    "IndependentHMM",
    "LinearHMM",
]

if TYPE_CHECKING:
    from virgil.distributions.time_series.ar import AR
    from virgil.distributions.time_series.coalescent_rate_likelihood import CoalescentRateLikelihood
    from virgil.distributions.time_series.coalescent_times import CoalescentTimes
    from virgil.distributions.time_series.coalescent_times_with_rate import CoalescentTimesWithRate
    from virgil.distributions.time_series.discrete_hmm import DiscreteHMM
    from virgil.distributions.time_series.euler_maruyama import EulerMaruyama
    from virgil.distributions.time_series.gamma_gaussian_hmm import GammaGaussianHMM
    from virgil.distributions.time_series.gaussian_hmm import GaussianHMM
    from virgil.distributions.time_series.gaussian_mrf import GaussianMRF
    from virgil.distributions.time_series.gaussian_random_walk import GaussianRandomWalk
    from virgil.distributions.time_series.independent_hmm import IndependentHMM
    from virgil.distributions.time_series.linear_hmm import LinearHMM
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
