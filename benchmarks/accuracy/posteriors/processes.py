"""Gaussian processes and a mixture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.accuracy.posteriors.posterior import Posterior


def _kernel(x: Tensor, length: Tensor, height: Tensor) -> Tensor:
    """Squared exponential. Shape: ``(*draws, places, places)``."""
    squares = (x.unsqueeze(-1) - x).square()
    return height[..., None, None] ** 2 * (-0.5 * squares / length[..., None, None] ** 2).exp()


def process(x: Tensor, y: Tensor) -> None:
    """Regression by a Gaussian process, the function integrated out."""
    length = virgil.sample("length", dist.LogNormal(0.0, 0.7))
    height = virgil.sample("height", dist.HalfNormal(2.0))
    noise = virgil.sample("noise", dist.HalfNormal(1.0))
    matrix = _kernel(x, length, height) + (noise**2)[..., None, None] * torch.eye(len(x), dtype=x.dtype)
    virgil.sample("y", dist.MultivariateNormal(torch.zeros_like(y), covariance_matrix=matrix), obs=y)


def _process_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(41)
    x = np.sort(random.uniform(-3, 3, 30))
    y = 1.2 * np.sin(1.5 * x) + 0.3 * x + 0.4 * random.normal(size=30)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def process_counts(x: Tensor, counts: Tensor) -> None:
    """Poisson counts whose log-rate is a Gaussian process, in terms of independent normals."""
    length = virgil.sample("length", dist.LogNormal(0.0, 0.5))
    height = virgil.sample("height", dist.HalfNormal(1.5))
    mean = virgil.sample("mean", dist.Normal(1.0, 1.0))
    raw = virgil.sample("raw", dist.Normal(0.0, 1.0).expand([len(x)]).to_event(1))
    factor = torch.linalg.cholesky(_kernel(x, length, height) + 1e-4 * torch.eye(len(x), dtype=x.dtype))
    log_rate = mean.unsqueeze(-1) + (factor * raw.unsqueeze(-2)).sum(-1)
    virgil.sample("counts", dist.Poisson(log_rate.exp()).to_event(1), obs=counts)


def _process_counts_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(42)
    x = np.linspace(-3, 3, 20)
    counts = random.poisson(np.exp(1.0 + 0.8 * np.sin(1.3 * x)))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(counts, dtype=torch.float32)


def mixture(y: Tensor) -> None:
    """Two normals; memberships are summed out, and a positive gap tells the components apart."""
    share = virgil.sample("share", dist.Beta(2.0, 2.0))
    low = virgil.sample("low", dist.Normal(-1.0, 2.0))
    gap = virgil.sample("gap", dist.LogNormal(1.0, 0.5))
    scale = virgil.sample("scale", dist.LogNormal(0.0, 0.5))
    with virgil.plate("data", len(y)):
        high = virgil.sample("high", dist.Bernoulli(share))
        virgil.sample("y", dist.Normal(low + gap * high, scale), obs=y)


def _mixture_data() -> tuple[Tensor]:
    random = np.random.default_rng(43)
    high = random.binomial(1, 0.35, 120)
    return (torch.tensor(-1.4 + 3.0 * high + random.normal(size=120), dtype=torch.float32),)


POSTERIORS = [
    Posterior("process", "Gaussian process", process, _process_data, quadrature=True),
    Posterior("process, counts", "Gaussian process", process_counts, _process_counts_data),
    Posterior("mixture", "mixture", mixture, _mixture_data, ("high",)),
]
