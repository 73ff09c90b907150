"""``python -m benchmarks.reference.hmc``: posteriors by the peer's no-U-turn sampler *(Hoffman and Gelman 2014)*.

Prints what stands in ``tests/reference/test_posteriors.py``. Four chains of 3,000 draws after 500 of warm-up; the
largest split R-hat and the smallest effective sample size are printed beside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pyro
import torch
from pyro.infer import MCMC, NUTS
from torch import Tensor
from torch.distributions import Normal

from tests.reference.programs import hmm_data, hmm_latents, mixture_data, mixture_latents, moves_of

CHAINS, DRAWS, WARMUP = 4, 3_000, 500


def mixture() -> None:
    """The mixture, memberships summed out by hand."""
    share, locs, scale = mixture_latents(pyro)
    logs = torch.stack([(1 - share).log(), share.log()]) + Normal(locs, scale).log_prob(DATA_MIXTURE.unsqueeze(-1))
    pyro.factor("likelihood", logs.logsumexp(-1).sum())


def hmm() -> None:
    """The hidden Markov model, states summed out by multiplying neighbouring steps until one is left."""
    stay, locs, scale = hmm_latents(pyro)
    moves, emitted = moves_of(stay).log(), Normal(locs, scale).log_prob(DATA_HMM.unsqueeze(-1))
    steps = moves + emitted[1:].unsqueeze(-2)
    while len(steps) > 1:
        even = len(steps) // 2 * 2
        pairs = (steps[0:even:2].unsqueeze(-1) + steps[1:even:2].unsqueeze(-3)).logsumexp(-2)
        steps = torch.cat([pairs, steps[even:]])
    start = emitted[0] + torch.tensor(0.5).log()
    pyro.factor("likelihood", (start.unsqueeze(-1) + steps[0]).logsumexp((0, 1)))


DATA_MIXTURE, DATA_HMM = mixture_data(), hmm_data()


def run(model: Callable[[], None]) -> dict[str, Tensor]:
    """All chains, one after another. Shape: ``(chains, draws)`` each."""
    chains = []
    for seed in range(CHAINS):
        pyro.set_rng_seed(seed)
        sampler = MCMC(NUTS(model), num_samples=DRAWS, warmup_steps=WARMUP, disable_progbar=True)
        sampler.run()
        chains.append(sampler.get_samples())
    return {name: torch.stack([chain[name] for chain in chains]) for name in chains[0]}


def main() -> None:
    """Print the figures."""
    torch.set_num_threads(1)
    models = {"mixture": mixture, "hmm": hmm}
    for name in sys.argv[1:] or models:
        model = models[name]
        draws = run(model)
        for site, values in draws.items():
            rhat = pyro.ops.stats.split_gelman_rubin(values, 0, 1).item()
            size = pyro.ops.stats.effective_sample_size(values, 0, 1).item()
            mean, sd = values.mean().item(), values.std().item()
            print(f"{name} {site!r}: ({mean:.4f}, {sd:.4f}),  R-hat {rhat:.4f}, effective size {size:.0f}")


if __name__ == "__main__":
    main()
