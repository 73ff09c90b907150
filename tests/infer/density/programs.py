"""Models whose density over real vectors is known, in double precision: by name, the model, its arguments, the density.

Each density is written from the formulas of its families, by SciPy and NumPy, with the logarithm of the bijection's
derivative beside it; of discrete variables all values are listed.
"""

import itertools
from contextlib import contextmanager

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.ops.indexing import Vindex

DATA = torch.tensor([1.3, 0.2, 2.1, 0.9, -0.4], dtype=torch.float64)
COUNTS = torch.tensor([3.0, 0.0, 2.0, 5.0], dtype=torch.float64)
WEIGHTS = torch.tensor([0.3, 0.7], dtype=torch.float64)
START = torch.tensor([0.6, 0.4], dtype=torch.float64)
STEPS = torch.tensor([[0.9, 0.1], [0.25, 0.75]], dtype=torch.float64)
OBSERVED = torch.tensor([True, False, True, False, True])


def double(value):
    return torch.tensor(value, dtype=torch.float64)


@contextmanager
def double_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def normal(data):
    mu = virgil.sample("mu", dist.Normal(double(0.5), 2.0))
    virgil.deterministic("twice", 2 * mu)
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def normal_density(u):
    return stats.norm.logpdf(u[0], 0.5, 2.0) + stats.norm.logpdf(DATA.numpy(), u[0], 1.0).sum()


def gamma(counts):
    rate = virgil.sample("rate", dist.Gamma(double(2.0), 3.0))
    with virgil.plate("data", len(counts)):
        virgil.sample("x", dist.Poisson(rate), obs=counts)


def gamma_density(u):
    rate = np.exp(u[0])
    return stats.gamma.logpdf(rate, 2.0, scale=1 / 3) + stats.poisson.logpmf(COUNTS.numpy(), rate).sum() + u[0]


def interval(data):
    p = virgil.sample("p", dist.Beta(double(2.0), 1.5))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Bernoulli(p), obs=(data > 1).double())


def interval_density(u):
    p = special.expit(u[0])
    ones = int((DATA > 1).sum())
    likelihood = ones * np.log(p) + (len(DATA) - ones) * np.log1p(-p)
    return stats.beta.logpdf(p, 2.0, 1.5) + likelihood + np.log(p * (1 - p))


def correlation():
    virgil.sample("factor", dist.LKJCholesky(2, double(1.5)))


def correlation_density(u):
    """The correlation is a hyperbolic tangent, with a density proportional to (1 - r²)^(1.5 - 1)."""
    rest = 1 - np.tanh(u[0]) ** 2
    return 0.5 * np.log(rest) - special.betaln(0.5, 1.5) + np.log(rest)


def ordered(data):
    cuts = virgil.sample("cuts", dist.ImproperUniform(constraints.ordered_vector, (), (3,)))
    virgil.sample("x", dist.Normal(cuts, 1.0).to_event(1), obs=data[:3])


def ordered_density(u):
    cuts = u[0] + np.array([0.0, np.exp(u[1]), np.exp(u[1]) + np.exp(u[2])])
    return stats.norm.logpdf(DATA[:3].numpy(), cuts, 1.0).sum() + u[1] + u[2]


def nested(data):
    """The second support depends on the first variable."""
    width = virgil.sample("width", dist.Gamma(double(2.0), 1.0))
    with virgil.plate("data", len(data)):
        place = virgil.sample("place", dist.Uniform(-width, 2 * width))
        virgil.sample("x", dist.Normal(place, 1.0), obs=data)


def nested_density(u):
    width, inside = np.exp(u[0]), special.expit(u[1:])
    prior = stats.gamma.logpdf(width, 2.0) + u[0] - len(DATA) * np.log(3 * width)
    volume = (np.log(3 * width) + np.log(inside * (1 - inside))).sum()
    return prior + volume + stats.norm.logpdf(DATA.numpy(), -width + 3 * width * inside, 1.0).sum()


def plated(data):
    with virgil.plate("groups", 2, dim=-2):
        scale = virgil.sample("scale", dist.HalfNormal(double(2.0)))
        with virgil.plate("data", len(data), dim=-1):
            z = virgil.sample("z", dist.Normal(double(0.0), scale))
    with virgil.plate("rows", len(data)):
        virgil.sample("x", dist.Normal(z.sum(-2, keepdim=True), 1.0), obs=data)


def plated_density(u):
    scale, z = np.exp(u[:2, None]), u[2:].reshape(2, 5)
    prior = stats.halfnorm.logpdf(scale, 0, 2).sum() + u[:2].sum() + stats.norm.logpdf(z, 0, scale).sum()
    return prior + stats.norm.logpdf(DATA.numpy(), z.sum(0), 1.0).sum()


def subsampled(data):
    mu = virgil.sample("mu", dist.Normal(double(0.5), 2.0))
    with virgil.plate("data", len(data), subsample_size=2) as rows:
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data[rows])


def partly_observed(data):
    mu = virgil.sample("mu", dist.Normal(double(0.5), 2.0))
    with virgil.plate("data", len(data)):
        x = virgil.sample("x", dist.LogNormal(mu, 1.0), obs=data.abs(), obs_mask=OBSERVED)
        virgil.sample("y", dist.Normal(x, 1.0), obs=data)


def partly_observed_density(u):
    x = DATA.abs().numpy().copy()
    x[~OBSERVED.numpy()] = np.exp(u[1:])
    joint = stats.norm.logpdf(u[0], 0.5, 2.0) + stats.lognorm.logpdf(x, 1.0, scale=np.exp(u[0])).sum()
    return joint + stats.norm.logpdf(DATA.numpy(), x, 1.0).sum() + u[1:].sum()


def scaled(data):
    mu = virgil.sample("mu", dist.Normal(double(0.5), 2.0))
    with virgil.poutine.scale(scale=0.25), virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def scaled_density(u):
    return stats.norm.logpdf(u[0], 0.5, 2.0) + 0.25 * stats.norm.logpdf(DATA.numpy(), u[0], 1.0).sum()


def mixture(data):
    locs = virgil.sample("locs", dist.Normal(double([-1.0, 1.0]), 1.0).to_event(1))
    with virgil.plate("data", len(data)):
        which = virgil.sample("which", dist.Categorical(WEIGHTS))
        virgil.sample("x", dist.Normal(Vindex(locs)[..., which], 1.0), obs=data)


def mixture_density(u):
    parts = stats.norm.logpdf(DATA.numpy()[:, None], u, 1.0) + WEIGHTS.log().numpy()
    return stats.norm.logpdf(u, [-1.0, 1.0], 1.0).sum() + special.logsumexp(parts, 1).sum()


def between(data):
    """A latent variable whose distribution depends on one that is summed out."""
    which = virgil.sample("which", dist.Categorical(WEIGHTS))
    z = virgil.sample("z", dist.Normal(double([-1.0, 2.0])[which], 1.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(z, 1.0), obs=data)


def between_density(u):
    prior = special.logsumexp(stats.norm.logpdf(u[0], [-1.0, 2.0], 1.0), b=WEIGHTS.numpy())
    return prior + stats.norm.logpdf(DATA.numpy(), u[0], 1.0).sum()


def chain(data):
    """A hidden Markov model."""
    gap = virgil.sample("gap", dist.Gamma(double(3.0), 2.0))
    probs = START
    for t in virgil.markov(range(len(data))):
        state = virgil.sample(f"state_{t}", dist.Categorical(probs))
        probs = STEPS[state]
        virgil.sample(f"x_{t}", dist.Normal(gap * state, 1.0), obs=data[t])


def vectorized_chain(data):
    gap = virgil.sample("gap", dist.Gamma(double(3.0), 2.0))
    state = None
    for t in virgil.vectorized_markov("time", len(data), dim=-1):
        state = virgil.sample(f"state_{t}", dist.Categorical(START if state is None else STEPS[state]))
        virgil.sample(f"x_{t}", dist.Normal(gap * state, 1.0), obs=data[t])


def chain_density(u):
    gap, terms = np.exp(u[0]), []
    for states in itertools.product([0, 1], repeat=len(DATA)):
        steps = sum(STEPS[one, other].log().item() for one, other in itertools.pairwise(states))
        seen = stats.norm.logpdf(DATA.numpy(), gap * np.array(states), 1.0).sum()
        terms.append(START[states[0]].log().item() + steps + seen)
    return stats.gamma.logpdf(gap, 3.0, scale=0.5) + u[0] + special.logsumexp(terms)


def pointed(data):
    """A latent site that is a point is no entry of the vector."""
    mu = virgil.sample("mu", dist.Normal(double(0.5), 2.0))
    same = virgil.sample("same", dist.Delta(mu))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(same, 1.0), obs=data)


PROGRAMS = {
    "normal": (normal, (DATA,), normal_density),
    "gamma": (gamma, (COUNTS,), gamma_density),
    "interval": (interval, (DATA,), interval_density),
    "correlation": (correlation, (), correlation_density),
    "ordered": (ordered, (DATA,), ordered_density),
    "a support that depends on a variable": (nested, (DATA,), nested_density),
    "plates": (plated, (DATA,), plated_density),
    "a plate with a mini-batch, taken whole": (subsampled, (DATA,), normal_density),
    "partly observed": (partly_observed, (DATA,), partly_observed_density),
    "scaled": (scaled, (DATA,), scaled_density),
    "mixture": (mixture, (DATA,), mixture_density),
    "a variable under one that is summed out": (between, (DATA,), between_density),
    "chain": (chain, (DATA,), chain_density),
    "vectorized chain": (vectorized_chain, (DATA,), chain_density),
    "a point": (pointed, (DATA,), normal_density),
}
