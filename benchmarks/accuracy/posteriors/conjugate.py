"""Posteriors in closed form, and one on an interval by quadrature."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.accuracy.posteriors.posterior import Exact, Posterior


def _normal_data() -> tuple[Tensor]:
    return (torch.tensor(np.random.default_rng(1).normal(3.0, 2.0, 20), dtype=torch.float32),)


def normal_mean(x: Tensor) -> None:
    """The mean of normal data of known scale 2."""
    mean = virgil.sample("mean", dist.Normal(0.0, 5.0))
    with virgil.plate("data", len(x)):
        virgil.sample("x", dist.Normal(mean, 2.0), obs=x)


def _normal_mean(x: Tensor) -> Exact:
    precision = 1 / 25 + len(x) / 4
    return {"mean": (x.sum() / 4 / precision, torch.tensor(precision**-0.5))}


def bounded_mean(x: Tensor) -> None:
    """A mean known to lie between 0 and 1, of data whose own mean lies near the border."""
    mean = virgil.sample("mean", dist.Uniform(0.0, 1.0))
    with virgil.plate("data", len(x)):
        virgil.sample("x", dist.Normal(mean, 1.0), obs=x)


def _bounded_data() -> tuple[Tensor]:
    return (torch.tensor(np.random.default_rng(2).normal(0.05, 1.0, 30), dtype=torch.float32),)


def beta_binomial(successes: Tensor) -> None:
    """The share of successes in trials of 12."""
    share = virgil.sample("share", dist.Beta(2.0, 2.0))
    with virgil.plate("data", len(successes)):
        virgil.sample("successes", dist.Binomial(12, share), obs=successes)


def _binomial_data() -> tuple[Tensor]:
    return (torch.tensor(np.random.default_rng(3).binomial(12, 0.08, 4), dtype=torch.float32),)


def _beta_binomial(successes: Tensor) -> Exact:
    a, b = 2 + successes.sum(), 2 + (12 - successes).sum()
    total = a + b
    return {"share": (a / total, (a * b / (total**2 * (total + 1))).sqrt())}


def gamma_poisson(counts: Tensor) -> None:
    """The rate of few counts."""
    rate = virgil.sample("rate", dist.Gamma(1.5, 0.5))
    with virgil.plate("data", len(counts)):
        virgil.sample("counts", dist.Poisson(rate), obs=counts)


def _poisson_data() -> tuple[Tensor]:
    return (torch.tensor(np.random.default_rng(4).poisson(1.2, 6), dtype=torch.float32),)


def _gamma_poisson(counts: Tensor) -> Exact:
    shape, rate = 1.5 + counts.sum(), 0.5 + len(counts)
    return {"rate": (shape / rate, shape.sqrt() / rate)}


def multinomial_shares(counts: Tensor) -> None:
    """Shares of five kinds, one of them rare."""
    shares = virgil.sample("shares", dist.Dirichlet(torch.ones_like(counts)))
    virgil.sample("counts", dist.Multinomial(60, shares), obs=counts)


def _multinomial_data() -> tuple[Tensor]:
    drawn = np.random.default_rng(5).multinomial(60, [0.4, 0.3, 0.2, 0.08, 0.02])
    return (torch.tensor(drawn, dtype=torch.float32),)


def _multinomial_shares(counts: Tensor) -> Exact:
    shape = 1 + counts
    mean = shape / shape.sum()
    return {"shares": (mean, (mean * (1 - mean) / (shape.sum() + 1)).sqrt())}


def known_scale(x: Tensor, y: Tensor) -> None:
    """Linear regression with known noise, on predictors that depend on each other."""
    slopes = virgil.sample("slopes", dist.Normal(0.0, 10.0).expand([x.shape[1]]).to_event(1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal((x * slopes).sum(-1), 1.5), obs=y)


def _known_scale_data() -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(6)
    x = random.normal(size=(60, 5)) + 1.5 * random.normal(size=(60, 1))
    y = x @ np.array([1.0, -2.0, 0.5, 0.0, 3.0]) + 1.5 * random.normal(size=60)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def _known_scale(x: Tensor, y: Tensor) -> Exact:
    covariance = torch.linalg.inv(x.T @ x / 1.5**2 + torch.eye(x.shape[1], dtype=x.dtype) / 100)
    return {"slopes": (covariance @ (x.T @ y) / 1.5**2, covariance.diagonal().sqrt())}


POSTERIORS = [
    Posterior("normal mean", "conjugate", normal_mean, _normal_data, exact=_normal_mean),
    Posterior("bounded mean", "bounded", bounded_mean, _bounded_data, quadrature=True),
    Posterior("beta-binomial", "conjugate", beta_binomial, _binomial_data, exact=_beta_binomial),
    Posterior("gamma-Poisson", "conjugate", gamma_poisson, _poisson_data, exact=_gamma_poisson),
    Posterior("multinomial shares", "bounded", multinomial_shares, _multinomial_data, exact=_multinomial_shares),
    Posterior("linear, known scale", "conjugate", known_scale, _known_scale_data, exact=_known_scale),
]
