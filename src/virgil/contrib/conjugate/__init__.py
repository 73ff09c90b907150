"""Latent variables integrated out in closed form, and drawn again afterwards.

``BetaBinomialPair`` and ``GammaPoissonPair`` tie a latent variable to its observations, ``collapse_conjugate`` leaves
it out of a program, ``uncollapse_conjugate`` and ``posterior_replay`` draw it from its posterior.
"""

from virgil.contrib.conjugate.collapse import collapse_conjugate
from virgil.contrib.conjugate.pairs import BetaBinomialPair, ConjugatePair, GammaPoissonPair
from virgil.contrib.conjugate.uncollapse import posterior_replay, uncollapse_conjugate

__all__ = [
    "BetaBinomialPair",
    "ConjugatePair",
    "GammaPoissonPair",
    "collapse_conjugate",
    "posterior_replay",
    "uncollapse_conjugate",
]
