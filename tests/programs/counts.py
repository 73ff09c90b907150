"""Counts: Poisson, over-dispersed, inflated, binomial, multinomial, tables."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil import poutine

_y = torch.tensor([2.0, 0.0, 3.0, 1.0, 0.0, 5.0, 4.0, 0.0])
_x = torch.tensor([-0.5, -1.2, 0.3, 0.0, -0.8, 1.1, 0.9, -0.3])
_exposure = torch.tensor([10.0, 8.0, 12.0, 9.0, 11.0, 10.0, 7.0, 13.0])
_trials = torch.tensor([5, 8, 12, 6, 9, 10, 7, 4])


def rate(y=None, n=8):
    lam = virgil.sample("lam", dist.Gamma(2, 0.5))
    with virgil.plate("days", n):
        virgil.sample("y", dist.Poisson(lam), obs=y)


def rate_answer(y, lam):
    prior = stats.gamma.logpdf(lam, 2, scale=2)
    return Answer(prior + stats.poisson.logpmf(y, lam).sum(), {"y": (np.full(8, lam), np.sqrt(lam))})


def offset(x, exposure, y=None):
    """A log-linear rate a unit of exposure."""
    a = virgil.sample("a", dist.Normal(-1, 1))
    b = virgil.sample("b", dist.Normal(0, 1))
    with virgil.plate("rows", x.size(0)):
        log_rate = a + b * x + torch.log(exposure)
        return virgil.sample("y", dist.Poisson(torch.exp(log_rate)), obs=y)


def offset_answer(x, exposure, y, a, b):
    lam = exposure * np.exp(a + b * x)
    prior = stats.norm.logpdf(a, -1) + stats.norm.logpdf(b)
    return Answer(prior + stats.poisson.logpmf(y, lam).sum(), {"y": (lam, np.sqrt(lam))})


def dispersed(x, y=None):
    """A normal effect of each row besides the line."""
    b = virgil.sample("b", dist.Normal(0, 1).expand([2]).to_event(1))
    sigma = virgil.sample("sigma", dist.HalfCauchy(torch.tensor(1.0)))
    with virgil.plate("rows", len(x)):
        effect = virgil.sample("effect", dist.Normal(0, sigma))
        virgil.sample("y", dist.Poisson((b[..., 0] + b[..., 1] * x + effect).exp()), obs=y)


def dispersed_answer(x, y, b, sigma, effect):
    lam = np.exp(b[0] + b[1] * x + effect)
    prior = stats.norm.logpdf(b).sum() + stats.halfcauchy.logpdf(sigma) + stats.norm.logpdf(effect, 0, sigma).sum()
    return Answer(prior + stats.poisson.logpmf(y, lam).sum(), {"y": (lam, np.sqrt(lam))})


def negative_binomial(x, y=None):
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    r = virgil.sample("r", dist.Exponential(0.5))
    with virgil.plate("rows", len(x)):
        mean = torch.exp(a + b * x)
        virgil.sample("y", dist.NegativeBinomial(total_count=r, logits=mean.log() - r.log()), obs=y)


def negative_binomial_answer(x, y, a, b, r):
    mean = np.exp(a + b * x)
    prior = stats.norm.logpdf([a, b]).sum() + stats.expon.logpdf(r, scale=2)
    moments = mean, np.sqrt(mean + mean**2 / r)
    return Answer(prior + stats.nbinom.logpmf(y, r, r / (r + mean)).sum(), {"y": moments})


def gamma_poisson(data):
    """Data in a dict, and a mean and a shape in place of the rate."""
    shape = virgil.sample("shape", dist.LogNormal(0.0, 1.0))
    mean = virgil.sample("mean", dist.Gamma(3.0, 1.0))
    with virgil.plate("rows", data["n"]):
        virgil.sample("y", dist.GammaPoisson(shape, shape / mean), obs=data.get("y"))


def gamma_poisson_answer(data, shape, mean):
    prior = stats.lognorm.logpdf(shape, 1) + stats.gamma.logpdf(mean, 3)
    return Answer(prior + stats.nbinom.logpmf(data["y"], shape, shape / (shape + mean)).sum())


def inflated(x, y=None):
    """Structural zeros as a variable of each row, summed out."""
    gate = virgil.sample("gate", dist.Beta(2.0, 2.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", len(x)):
        zero = virgil.sample("zero", dist.Bernoulli(gate), infer={"enumerate": "parallel"})
        virgil.sample("y", dist.Poisson((1 - zero) * torch.exp(1 + b * x)), obs=y)


def inflated_answer(x, y, gate, b):
    lam = np.exp(1 + b * x)
    likelihood = gate * (y == 0) + (1 - gate) * stats.poisson.pmf(y, lam)
    mean = (1 - gate) * lam
    moments = mean, np.sqrt((1 - gate) * (lam + lam**2) - mean**2)
    return Answer(stats.beta.logpdf(gate, 2, 2) + stats.norm.logpdf(b) + np.log(likelihood).sum(), {"y": moments})


def hurdle(y):
    """A Bernoulli for any, and a Poisson without zero for how many, under a mask."""
    some = virgil.sample("some", dist.Uniform(0, 1))
    lam = virgil.sample("lam", dist.Exponential(1.0))
    with virgil.plate("rows", len(y)):
        virgil.sample("positive", dist.Bernoulli(some), obs=(y > 0).float())
        with poutine.mask(mask=y > 0):
            virgil.sample("count", dist.Poisson(lam), obs=y)
            virgil.factor("truncation", -torch.log1p(-torch.exp(-lam)))


def hurdle_answer(y, some, lam):
    positive = y > 0
    likelihood = stats.bernoulli.logpmf(positive, some).sum()
    likelihood += (stats.poisson.logpmf(y, lam) - np.log(stats.poisson.sf(0, lam)))[positive].sum()
    return Answer(stats.expon.logpdf(lam) + likelihood)


def binomial(x, trials, y=None):
    a, b = (virgil.sample(name, dist.Normal(0.0, 1.5)) for name in "ab")
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Binomial(total_count=trials, logits=a + b * x), obs=y)


def binomial_answer(x, trials, y, a, b):
    p = special.expit(a + b * x)
    prior = stats.norm.logpdf([a, b], 0, 1.5).sum()
    moments = trials * p, np.sqrt(trials * p * (1 - p))
    return Answer(prior + stats.binom.logpmf(y, trials, p).sum(), {"y": moments})


def beta_binomial(trials, y=None):
    """The rats' tumours: a mean and a size of the prior of all groups."""
    mean = virgil.sample("mean", dist.Beta(1.0, 1.0))
    size = virgil.sample("size", dist.Pareto(1.0, 1.5))
    with virgil.plate("groups", len(trials)):
        virgil.sample("y", dist.BetaBinomial(mean * size, (1 - mean) * size, total_count=trials), obs=y)


def beta_binomial_answer(trials, y, mean, size):
    p = stats.betabinom(trials, mean * size, (1 - mean) * size)
    return Answer(stats.pareto.logpdf(size, 1.5) + p.logpmf(y).sum(), {"y": (p.mean(), p.std())})


def multinomial(y=None):
    p = virgil.sample("p", dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])))
    virgil.sample("y", dist.Multinomial(total_count=20, probs=p), obs=y)


def multinomial_answer(y, p):
    prior = stats.dirichlet.logpdf(p, [1, 2, 3])
    return Answer(prior + stats.multinomial.logpmf(y, 20, p), {"y": (20 * p, np.sqrt(20 * p * (1 - p)))})


def dirichlet_multinomial(words=None, documents=3):
    """Proportions of each document from a Dirichlet whose strength is unknown."""
    strength = virgil.sample("strength", dist.Gamma(2.0, 0.5))
    base = virgil.sample("base", dist.Dirichlet(torch.ones(4)))
    with virgil.plate("documents", documents):
        p = virgil.sample("p", dist.Dirichlet(strength * base))
        virgil.sample("words", dist.Multinomial(10, p), obs=words)


def dirichlet_multinomial_answer(words, strength, base, p):
    prior = stats.gamma.logpdf(strength, 2, scale=2) + stats.dirichlet.logpdf(base, np.ones(4))
    prior += sum(stats.dirichlet.logpdf(row, strength * base) for row in p)
    lines = stats.multinomial.logpmf(words, 10, p).sum()
    return Answer(prior + lines, {"words": (10 * p, np.sqrt(10 * p * (1 - p)))})


def contingency(rows, columns, table=None):
    """Two crossed plates, with an effect of each row and each column."""
    mu = virgil.sample("mu", dist.Normal(1.0, 1.0))
    row_plate = virgil.plate("rows", rows, dim=-2)
    column_plate = virgil.plate("columns", columns, dim=-1)
    with row_plate:
        r = virgil.sample("r", dist.Normal(0.0, 0.5))
    with column_plate:
        c = virgil.sample("c", dist.Normal(0.0, 0.5))
    with row_plate, column_plate:
        virgil.sample("table", dist.Poisson(torch.exp(mu + r + c)), obs=table)


def contingency_answer(rows, columns, table, mu, r, c):
    lam = np.exp(mu + r + c)
    prior = stats.norm.logpdf(mu, 1) + stats.norm.logpdf(r, 0, 0.5).sum() + stats.norm.logpdf(c, 0, 0.5).sum()
    return Answer(prior + stats.poisson.logpmf(table, lam).sum(), {"table": (lam, np.sqrt(lam))})


def waiting(y=None):
    """Attempts before the first success, person by person."""
    p = virgil.sample("p", dist.Kumaraswamy(2.0, 3.0))
    for i in virgil.plate("persons", 3):
        virgil.sample(f"y_{i}", dist.Geometric(p), obs=None if y is None else y[i])


def waiting_answer(y, p):
    prior = np.log(2 * 3 * p * (1 - p**2) ** 2)
    moments = (1 - p) / p, np.sqrt(1 - p) / p
    return Answer(prior + stats.geom.logpmf(y + 1, p).sum(), {f"y_{i}": moments for i in range(3)})


_tumours = torch.tensor([1.0, 0.0, 2.0, 3.0, 5.0, 1.0, 0.0, 2.0])
_words = torch.tensor([[4.0, 3.0, 2.0, 1.0], [0.0, 5.0, 5.0, 0.0], [2.0, 2.0, 2.0, 4.0]])

PROGRAMS = {
    "a rate": Program(rate, {"lam": 1.7}, rate_answer, data={"y": _y}),
    "exposure": Program(offset, {"a": -1.8, "b": 0.6}, offset_answer, (_x, _exposure), {"y": _y}),
    "dispersed": Program(
        dispersed,
        {"b": [0.4, 0.8], "sigma": 0.5, "effect": [0.1, -0.3, 0.5, 0.0, -0.2, 0.3, 0.2, -0.6]},
        dispersed_answer,
        (_x,),
        {"y": _y},
    ),
    "negative binomial": Program(
        negative_binomial, {"a": 0.4, "b": 0.8, "r": 2.5}, negative_binomial_answer, (_x,), {"y": _y}
    ),
    "gamma-Poisson": Program(gamma_poisson, {"shape": 1.5, "mean": 2.0}, gamma_poisson_answer, ({"y": _y, "n": 8},)),
    "zero-inflated": Program(
        inflated, {"gate": 0.3, "b": 0.5}, inflated_answer, (_x,), {"y": _y}, enumerated=("zero",)
    ),
    "a hurdle": Program(hurdle, {"some": 0.6, "lam": 2.5}, hurdle_answer, (_y,)),
    "binomial": Program(binomial, {"a": -0.8, "b": 0.6}, binomial_answer, (_x, _trials), {"y": _tumours}),
    "beta-binomial": Program(
        beta_binomial, {"mean": 0.25, "size": 8.0}, beta_binomial_answer, (_trials,), {"y": _tumours}
    ),
    "multinomial": Program(
        multinomial, {"p": [0.25, 0.375, 0.375]}, multinomial_answer, data={"y": torch.tensor([4.0, 7.0, 9.0])}
    ),
    "Dirichlet-multinomial": Program(
        dirichlet_multinomial,
        {
            "strength": 5.0,
            "base": [0.125, 0.375, 0.25, 0.25],
            "p": [[0.5, 0.25, 0.125, 0.125], [0.125, 0.375, 0.375, 0.125], [0.25] * 4],
        },
        dirichlet_multinomial_answer,
        data={"words": _words},
    ),
    "a contingency table": Program(
        contingency,
        {"mu": 1.2, "r": [[0.3], [-0.4]], "c": [0.2, 0.0, -0.5]},
        contingency_answer,
        (2, 3),
        {"table": torch.tensor([[6.0, 5.0, 2.0], [3.0, 1.0, 2.0]])},
    ),
    "waiting": Program(waiting, {"p": 0.4}, waiting_answer, data={"y": torch.tensor([1.0, 0.0, 4.0])}),
}
