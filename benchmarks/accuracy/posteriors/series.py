"""Time series: autoregression, volatility, hidden states, a change."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.accuracy.posteriors.posterior import Posterior


def autoregression(y: Tensor) -> None:
    """An autoregression of order one, given its first value."""
    memory = virgil.sample("memory", dist.Uniform(-1.0, 1.0))
    mean = virgil.sample("mean", dist.Normal(0.0, 3.0))
    scale = virgil.sample("scale", dist.HalfNormal(2.0))
    expected = mean + memory * (y[:-1] - mean)
    with virgil.plate("steps", len(y) - 1):
        virgil.sample("y", dist.Normal(expected, scale), obs=y[1:])


def _autoregression_data() -> tuple[Tensor]:
    noise = np.random.default_rng(31).normal(size=100)
    y = [1.0]
    for each in noise[1:]:
        y.append(0.5 + 0.85 * (y[-1] - 0.5) + 0.6 * each)
    return (torch.tensor(y, dtype=torch.float32),)


def garch(y: Tensor) -> None:
    """Variances by GARCH(1, 1) *(Bollerslev 1986)*: the sum of both weights is below 1."""
    base = virgil.sample("base", dist.LogNormal(-1.0, 1.0))
    total = virgil.sample("total", dist.Beta(4.0, 2.0))
    share = virgil.sample("share", dist.Beta(2.0, 4.0))
    variance = base / (1 - total)
    variances = [variance]
    for before in y[:-1]:
        variance = base + total * (share * before**2 + (1 - share) * variance)
        variances.append(variance)
    virgil.sample("y", dist.Normal(0.0, torch.stack(variances, -1).sqrt()).to_event(1), obs=y)


def _garch_data() -> tuple[Tensor]:
    noise = np.random.default_rng(33).normal(size=80)
    variance, y = 1.5, []
    for each in noise:
        y.append(each * variance**0.5)
        variance = 0.3 + 0.3 * y[-1] ** 2 + 0.5 * variance
    return (torch.tensor(y, dtype=torch.float32),)


def hidden_states(y: Tensor) -> None:
    """Two hidden states over 100 steps, summed out."""
    stay = virgil.sample("stay", dist.Beta(8.0, 2.0))
    low = virgil.sample("low", dist.Normal(-1.0, 1.0))
    gap = virgil.sample("gap", dist.LogNormal(0.5, 0.5))
    scale = virgil.sample("scale", dist.LogNormal(0.0, 0.5)).unsqueeze(-1)
    moves = torch.stack([torch.stack([stay, 1 - stay], -1), torch.stack([1 - stay, stay], -1)], -2).log()
    emission = dist.Normal(torch.stack([low, low + gap], -1).unsqueeze(-2), scale.unsqueeze(-2))
    start = torch.zeros_like(moves[..., 0, :])
    virgil.sample("y", dist.DiscreteHMM(start, moves.unsqueeze(-3), emission, duration=len(y)), obs=y)


def _hidden_states_data() -> tuple[Tensor]:
    random = np.random.default_rng(35)
    states = random.binomial(1, 0.1, 100).cumsum() % 2
    return (torch.tensor(2.2 * states - 1.1 + 0.9 * random.normal(size=100), dtype=torch.float32),)


def change(counts: Tensor) -> None:
    """Counts whose rate changes once; the year of the change is summed out."""
    before = virgil.sample("before", dist.Gamma(2.0, 0.5))
    after = virgil.sample("after", dist.Gamma(2.0, 0.5))
    year = virgil.sample("year", dist.Categorical(torch.ones_like(counts)))
    with virgil.plate("years", len(counts)):
        rate = torch.where(torch.arange(len(counts)) < year, before, after)
        virgil.sample("counts", dist.Poisson(rate), obs=counts)


def _change_data() -> tuple[Tensor]:
    random = np.random.default_rng(36)
    counts = np.concatenate([random.poisson(3.2, 18), random.poisson(1.4, 22)])
    return (torch.tensor(counts, dtype=torch.float32),)


POSTERIORS = [
    Posterior("autoregression", "time series", autoregression, _autoregression_data, quadrature=True),
    Posterior("GARCH(1, 1)", "time series", garch, _garch_data, quadrature=True),
    Posterior("hidden states", "hidden states", hidden_states, _hidden_states_data),
    Posterior("change", "hidden states", change, _change_data, ("year",), quadrature=True),
]
