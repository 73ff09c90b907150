"""Markov chains of draws from a posterior.

A :class:`Target` is a distribution over named real tensors, in one vector: a model's posterior, by
``virgil.infer.density``, or a potential energy that a user writes. A kernel is one transition (`HMC`, `NUTS`,
`RandomWalkKernel`, or a class of your own from `MCMCKernel`); `MCMC` runs chains of it and `StreamingMCMC` keeps only
statistics of them. ``warmup.py`` and ``mass_matrix.py`` adapt a kernel, ``judgement.py`` says how far to trust draws.
"""

from virgil.infer.mcmc.abstract_mcmc import AbstractMCMC
from virgil.infer.mcmc.arrowhead_mass_matrix import ArrowheadMassMatrix
from virgil.infer.mcmc.hmc import HMC
from virgil.infer.mcmc.initialize_model import initialize_model
from virgil.infer.mcmc.judgement import Judgement
from virgil.infer.mcmc.mass_matrix import BlockMassMatrix
from virgil.infer.mcmc.mcmc import MCMC
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel
from virgil.infer.mcmc.nuts import NUTS
from virgil.infer.mcmc.random_walk_kernel import RandomWalkKernel
from virgil.infer.mcmc.samples import (
    diagnostics,
    diagnostics_from_stats,
    predictive,
    print_summary,
    select_samples,
    summary,
)
from virgil.infer.mcmc.streaming_mcmc import StreamingMCMC
from virgil.infer.mcmc.warmup import WarmupAdapter, adapt_window

__all__ = [
    "AbstractMCMC",
    "ArrowheadMassMatrix",
    "BlockMassMatrix",
    "HMC",
    "Judgement",
    "MCMC",
    "MCMCKernel",
    "NUTS",
    "RandomWalkKernel",
    "StreamingMCMC",
    "WarmupAdapter",
    "adapt_window",
    "diagnostics",
    "diagnostics_from_stats",
    "initialize_model",
    "predictive",
    "print_summary",
    "select_samples",
    "summary",
]
