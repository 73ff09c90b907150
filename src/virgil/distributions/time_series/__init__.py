"""Families of whole sequences: one event is one series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "CoalescentRateLikelihood",
    "CoalescentTimes",
    "CoalescentTimesWithRate",
    "DiscreteHMM",
]

if TYPE_CHECKING:
    from virgil.distributions.time_series.coalescent_rate_likelihood import CoalescentRateLikelihood
    from virgil.distributions.time_series.coalescent_times import CoalescentTimes
    from virgil.distributions.time_series.coalescent_times_with_rate import CoalescentTimesWithRate
    from virgil.distributions.time_series.discrete_hmm import DiscreteHMM
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
