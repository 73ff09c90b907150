"""Two models whose posteriors are known from long runs of Hamiltonian Monte Carlo, with their data.

The same statements serve both: ``virgil`` in the test, the peer in the script that computed the figures. Discrete
states are summed out by hand for Hamiltonian Monte Carlo, so that its figures owe nothing to enumeration.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor


def mixture_data() -> Tensor:
    """120 draws from two normals that overlap a little."""
    generator = torch.Generator().manual_seed(11)
    which = torch.bernoulli(torch.full((120,), 0.35), generator=generator)
    return torch.where(which == 1, 1.6, -1.4) + 0.9 * torch.randn(120, generator=generator)


def hmm_data() -> Tensor:
    """120 steps of a chain that stays nine times in ten, seen through noise."""
    generator = torch.Generator().manual_seed(12)
    flips = torch.bernoulli(torch.full((120,), 0.1), generator=generator)
    states = flips.cumsum(0) % 2
    return 2.0 * states - 1.0 + 0.8 * torch.randn(120, generator=generator)


def mixture_latents(ppl: ModuleType) -> tuple[Tensor, Tensor, Tensor]:
    """Share of the right component, the two locations, one scale. A positive gap keeps the components' names apart."""
    dist = ppl.distributions
    share = ppl.sample("share", dist.Beta(2.0, 2.0))
    low = ppl.sample("low", dist.Normal(-1.0, 1.0))
    gap = ppl.sample("gap", dist.LogNormal(1.0, 0.5))
    scale = ppl.sample("scale", dist.LogNormal(0.0, 0.5))
    return share, torch.stack([low, low + gap]), scale


def hmm_latents(ppl: ModuleType) -> tuple[Tensor, Tensor, Tensor]:
    """How likely the chain is to stay, the two locations, one scale."""
    dist = ppl.distributions
    stay = ppl.sample("stay", dist.Beta(8.0, 2.0))
    low = ppl.sample("low", dist.Normal(-1.0, 1.0))
    gap = ppl.sample("gap", dist.LogNormal(0.5, 0.5))
    scale = ppl.sample("scale", dist.LogNormal(0.0, 0.5))
    return stay, torch.stack([low, low + gap]), scale


def moves_of(stay: Tensor) -> Tensor:
    """The transition matrix. Shape: ``(2, 2)``."""
    return torch.stack([torch.stack([stay, 1 - stay]), torch.stack([1 - stay, stay])])
