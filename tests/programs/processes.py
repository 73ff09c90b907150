"""Gaussian processes: integrated out, latent, for classes, by features."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program

_x = torch.tensor([-1.0, -0.5, 0.0, 0.4, 1.1])
_y = torch.tensor([-0.7, -0.2, 0.1, 0.5, 0.6])


def rbf(x, z, variance, length):
    """A squared-exponential kernel that takes batches of its parameters."""
    scaled = (x.unsqueeze(-1) - z) / length[..., None, None]
    return variance[..., None, None] * torch.exp(-0.5 * scaled**2)


def kernel(x, variance, length, jitter=0.0):
    return variance * np.exp(-0.5 * (np.subtract.outer(x, x) / length) ** 2) + jitter * np.eye(len(x))


def hyperprior(variance, length):
    return stats.lognorm.logpdf(variance, 1) + stats.invgamma.logpdf(length, 5, scale=5)


def marginal(x, y=None):
    """Regression with the function integrated out."""
    variance = virgil.sample("variance", dist.LogNormal(0.0, 1.0))
    length = virgil.sample("length", dist.InverseGamma(5.0, 5.0))
    noise = virgil.sample("noise", dist.HalfNormal(0.5))
    cov = rbf(x, x, variance, length) + (noise**2)[..., None, None] * torch.eye(len(x))
    virgil.sample("y", dist.MultivariateNormal(torch.zeros(len(x)), cov), obs=y)


def marginal_answer(x, y, variance, length, noise):
    cov = kernel(x, variance, length, noise**2)
    prior = hyperprior(variance, length) + stats.halfnorm.logpdf(noise, 0, 0.5)
    likelihood = stats.multivariate_normal.logpdf(y, np.zeros(len(x)), cov)
    return Answer(prior + likelihood, {"y": (np.zeros(len(x)), np.sqrt(variance + noise**2))})


def latent(x, y=None):
    """The function as a factor of the kernel times standard normal variables; counts as data."""
    variance = virgil.sample("variance", dist.LogNormal(0.0, 1.0))
    length = virgil.sample("length", dist.InverseGamma(5.0, 5.0))
    eta = virgil.sample("eta", dist.Normal(torch.zeros(len(x)), 1.0).to_event(1))
    factor = torch.linalg.cholesky(rbf(x, x, variance, length) + 1e-2 * torch.eye(len(x)))
    f = virgil.deterministic("f", (factor @ eta.unsqueeze(-1)).squeeze(-1))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Poisson(f.exp()), obs=y)


def latent_answer(x, y, variance, length, eta):
    rate = np.exp(np.linalg.cholesky(kernel(x, variance, length, 1e-2)) @ eta)
    prior = hyperprior(variance, length) + stats.norm.logpdf(eta).sum()
    return Answer(prior + stats.poisson.logpmf(y, rate).sum(), {"y": (rate, np.sqrt(rate))})


def classification(x, label=None):
    """The function itself as a multivariate normal variable, and classes of its sign."""
    length = virgil.sample("length", dist.InverseGamma(5.0, 5.0))
    cov = rbf(x, x, torch.ones_like(length), length) + 1e-2 * torch.eye(len(x))
    f = virgil.sample("f", dist.MultivariateNormal(torch.zeros(len(x)), scale_tril=torch.linalg.cholesky(cov)))
    with virgil.plate("rows", len(x)):
        virgil.sample("label", dist.Bernoulli(logits=f), obs=label)


def classification_answer(x, label, length, f):
    prior = stats.invgamma.logpdf(length, 5, scale=5)
    prior += stats.multivariate_normal.logpdf(f, np.zeros(len(x)), kernel(x, 1, length, 1e-2))
    p = special.expit(f)
    return Answer(prior + stats.bernoulli.logpmf(label, p).sum(), {"label": (p, np.sqrt(p * (1 - p)))})


_frequencies = np.array([0.3, -1.1, 0.8])
_phases = np.array([0.1, 2.0, 4.5])


def features(x, y=None):
    """A sparse process by random features; a low-rank multivariate normal of the data."""
    variance = virgil.sample("variance", dist.LogNormal(0.0, 1.0))
    waves = torch.cos(x[:, None] * torch.tensor(_frequencies).float() + torch.tensor(_phases, dtype=torch.float32))
    factor = (2 * variance / 3).sqrt()[..., None, None] * waves
    virgil.sample("y", dist.LowRankMultivariateNormal(torch.zeros(len(x)), factor, 0.04 * torch.ones(len(x))), obs=y)


def features_answer(x, y, variance):
    waves = np.cos(np.outer(x, _frequencies) + _phases)
    cov = 2 * variance / 3 * waves @ waves.T + 0.04 * np.eye(len(x))
    prior = stats.lognorm.logpdf(variance, 1)
    likelihood = stats.multivariate_normal.logpdf(y, np.zeros(len(x)), cov)
    return Answer(prior + likelihood, {"y": (np.zeros(len(x)), np.sqrt(np.diag(cov)))})


PROGRAMS = {
    "regression": Program(marginal, {"variance": 0.8, "length": 1.1, "noise": 0.3}, marginal_answer, (_x,), {"y": _y}),
    "a latent function": Program(
        latent,
        {"variance": 0.8, "length": 1.1, "eta": [0.3, -0.5, 0.8, 0.1, -0.2]},
        latent_answer,
        (_x,),
        {"y": torch.tensor([1.0, 0.0, 2.0, 1.0, 3.0])},
    ),
    "classification": Program(
        classification,
        {"length": 0.9, "f": [-0.8, -0.3, 0.2, 0.5, 0.9]},
        classification_answer,
        (_x,),
        {"label": (_y > 0).float()},
    ),
    "random features": Program(features, {"variance": 0.8}, features_answer, (_x,), {"y": _y}),
}
