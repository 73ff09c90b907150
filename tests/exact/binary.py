"""Binary variables, once as statements of a program and once as plain log-probabilities, in double precision."""

from __future__ import annotations

import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist

HALF = torch.tensor(0.5, dtype=torch.float64)
X1 = torch.tensor(1.5, dtype=torch.float64)
X3 = torch.tensor([1.5, -0.5, 0.7], dtype=torch.float64)


def param(name):
    return virgil.param(f"q_{name}")


def flip(name, logits, **options):
    return virgil.sample(name, dist.Bernoulli(logits=logits), **options)


def log_flip(logits, value):
    return td.Bernoulli(logits=torch.as_tensor(logits, dtype=torch.float64)).log_prob(value)


def log_normal(loc, value, scale=1.0):
    return td.Normal(loc, scale).log_prob(value)
