"""Mixtures: by enumeration, as distributions, by hand; sticks, regressions, outliers."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil.infer import config_enumerate
from virgil.poutine import mask

_y = torch.tensor([-1.2, 0.9, 1.4, -0.8, 0.1, 2.0])
_x = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0, -0.5])
_counts = torch.tensor([0.0, 3.0, 0.0, 1.0, 4.0, 0.0])


def mixed(log_weights, log_densities):
    """The log-density of data under a mixture. Shape: `log_densities` (rows, parts)."""
    return special.logsumexp(log_weights + log_densities, -1).sum()


def mixture_moments(weights, loc, scale):
    mean = weights @ loc
    return mean, np.sqrt(weights @ (scale**2 + loc**2) - mean**2)


@config_enumerate
def normals(y=None, n=6):
    """The tutorial's mixture: a label of each row, a location of each part."""
    weights = virgil.sample("weights", dist.Dirichlet(0.5 * torch.ones(2)))
    scale = virgil.sample("scale", dist.LogNormal(0.0, 2.0))
    with virgil.plate("components", 2):
        locs = virgil.sample("locs", dist.Normal(0.0, 10.0))
    with virgil.plate("data", n):
        label = virgil.sample("label", dist.Categorical(weights))
        virgil.sample("y", dist.Normal(locs[label], scale), obs=y)


def normals_answer(y, weights, scale, locs):
    prior = stats.dirichlet.logpdf(weights, [0.5, 0.5]) + stats.lognorm.logpdf(scale, 2)
    prior += stats.norm.logpdf(locs, 0, 10).sum()
    moments = mixture_moments(weights, locs, scale)
    likelihood = mixed(np.log(weights), stats.norm.logpdf(y[:, None], locs, scale))
    return Answer(prior + likelihood, {"y": (np.full(6, moments[0]), moments[1])})


def same_family(y=None, n=6):
    """The same as one distribution, with scales of its parts."""
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("components", 2):
        locs = virgil.sample("locs", dist.Normal(0.0, 2.0))
        scales = virgil.sample("scales", dist.Gamma(2.0, 2.0))
    mixture = dist.MixtureSameFamily(dist.Categorical(weights), dist.Normal(locs, scales))
    with virgil.plate("data", n):
        virgil.sample("y", mixture, obs=y)


def same_family_answer(y, weights, locs, scales):
    prior = stats.norm.logpdf(locs, 0, 2).sum() + stats.gamma.logpdf(scales, 2, scale=0.5).sum()
    mean, sd = mixture_moments(weights, locs, scales)
    likelihood = mixed(np.log(weights), stats.norm.logpdf(y[:, None], locs, scales))
    return Answer(prior + likelihood, {"y": (np.full(6, mean), sd)})


def by_hand(y):
    """The sum over parts written out, with ordered locations from a base and gaps."""
    w = virgil.sample("w", dist.Beta(2.0, 2.0))
    low = virgil.sample("low", dist.Normal(-1.0, 1.0))
    gap = virgil.sample("gap", dist.Exponential(1.0))
    first = torch.log(w) + dist.Normal(low, 0.6).log_prob(y)
    second = torch.log1p(-w) + dist.Normal(low + gap, 0.6).log_prob(y)
    with virgil.plate("data", len(y)):
        virgil.factor("likelihood", torch.logaddexp(first, second))


def by_hand_answer(y, w, low, gap):
    prior = stats.beta.logpdf(w, 2, 2) + stats.norm.logpdf(low, -1) + stats.expon.logpdf(gap)
    densities = stats.norm.logpdf(y[:, None], [low, low + gap], 0.6)
    return Answer(prior + mixed(np.log([w, 1 - w]), densities))


def zero_inflated(y):
    """A mixture of a point mass and a count by a mask of the data."""
    gate = virgil.sample("gate", dist.Beta(1.0, 2.0))
    rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
    counts = dist.Poisson(rate)
    with virgil.plate("data", len(y)):
        with mask(mask=y == 0):
            virgil.factor("zeros", torch.log(gate + (1 - gate) * counts.log_prob(torch.zeros(())).exp()))
        with mask(mask=y > 0):
            virgil.factor("positive", (1 - gate).log() + counts.log_prob(y))


def zero_inflated_answer(y, gate, rate):
    prior = stats.beta.logpdf(gate, 1, 2) + stats.gamma.logpdf(rate, 2)
    density = (1 - gate) * stats.poisson.pmf(y, rate) + gate * (y == 0)
    return Answer(prior + np.log(density).sum())


def stick_weights(beta):
    """Weights of a stick that is broken."""
    rest = torch.cumprod(1 - beta, -1)
    return torch.nn.functional.pad(beta, (0, 1), value=1.0) * torch.nn.functional.pad(rest, (1, 0), value=1.0)


def dirichlet_process(y):
    """A truncated process: sticks, and a cluster of each row that is summed out."""
    alpha = virgil.sample("alpha", dist.Gamma(2.0, 1.0))
    with virgil.plate("sticks", 3):
        beta = virgil.sample("beta", dist.Beta(1, alpha))
    with virgil.plate("clusters", 4):
        loc = virgil.sample("loc", dist.MultivariateNormal(torch.zeros(2), 4 * torch.eye(2)))
    with virgil.plate("data", len(y)):
        z = virgil.sample("z", dist.Categorical(stick_weights(beta)), infer={"enumerate": "parallel"})
        virgil.sample("y", dist.MultivariateNormal(loc[z], torch.eye(2)), obs=y)


def dirichlet_process_answer(y, alpha, beta, loc):
    weights = np.append(beta, 1) * np.append(1, np.cumprod(1 - beta))
    prior = stats.gamma.logpdf(alpha, 2) + stats.beta.logpdf(beta, 1, alpha).sum() + stats.norm.logpdf(loc, 0, 2).sum()
    densities = stats.norm.logpdf(y[:, None, :], loc).sum(-1)
    return Answer(prior + mixed(np.log(weights), densities))


def of_regressions(x, y):
    """Two lines; the label of each row chooses slope and intercept from a matrix."""
    weights = virgil.sample("weights", dist.Dirichlet(torch.tensor([2.0, 2.0])))
    coef = virgil.sample("coef", dist.Normal(torch.zeros(2, 2), 1.0).to_event(2))
    sigma = virgil.sample("sigma", dist.HalfNormal(1.0))
    with virgil.plate("data", len(x)):
        z = virgil.sample("z", dist.Categorical(weights), infer={"enumerate": "parallel"})
        line = coef[z]
        virgil.sample("y", dist.Normal(line[..., 0] + line[..., 1] * x, sigma), obs=y)


def of_regressions_answer(x, y, weights, coef, sigma):
    prior = stats.dirichlet.logpdf(weights, [2, 2]) + stats.norm.logpdf(coef).sum() + stats.halfnorm.logpdf(sigma)
    means = coef[:, 0] + coef[:, 1] * x[:, None]
    return Answer(prior + mixed(np.log(weights), stats.norm.logpdf(y[:, None], means, sigma)))


def contaminated(x, y):
    """Outliers: the scale of a row is ten times as large if a Bernoulli says so."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    share = virgil.sample("share", dist.Beta(1.0, 9.0))
    with virgil.plate("data", len(x)):
        bad = virgil.sample("bad", dist.Bernoulli(share), infer={"enumerate": "parallel"}).bool()
        scale = torch.where(bad, torch.tensor(3.0), torch.tensor(0.3))
        virgil.sample("y", dist.Normal(a + b * x, scale), obs=y)


def contaminated_answer(x, y, a, b, share):
    prior = stats.norm.logpdf([a, b]).sum() + stats.beta.logpdf(share, 1, 9)
    densities = stats.norm.logpdf(y[:, None], (a + b * x)[:, None], [0.3, 3.0])
    return Answer(prior + mixed(np.log([1 - share, share]), densities))


PROGRAMS = {
    "normals": Program(
        normals,
        {"weights": [0.375, 0.625], "scale": 0.7, "locs": [-1.0, 1.1]},
        normals_answer,
        data={"y": _y},
        enumerated=("label",),
    ),
    "as a distribution": Program(
        same_family,
        {"weights": [0.375, 0.625], "locs": [-1.0, 1.1], "scales": [0.4, 0.8]},
        same_family_answer,
        data={"y": _y},
    ),
    "by hand": Program(by_hand, {"w": 0.4, "low": -0.9, "gap": 1.8}, by_hand_answer, (_y,)),
    "zeros": Program(zero_inflated, {"gate": 0.3, "rate": 2.2}, zero_inflated_answer, (_counts,)),
    "sticks": Program(
        dirichlet_process,
        {
            "alpha": 1.5,
            "beta": [0.4, 0.5, 0.3],
            "loc": [[0.0, 1.0], [-1.0, 0.5], [1.2, -0.4], [0.3, 0.3]],
        },
        dirichlet_process_answer,
        (torch.stack([_y, _x], 1),),
        enumerated=("z",),
    ),
    "regressions": Program(
        of_regressions,
        {"weights": [0.375, 0.625], "coef": [[0.2, 1.0], [-0.5, -0.7]], "sigma": 0.6},
        of_regressions_answer,
        (_x, _y),
        enumerated=("z",),
    ),
    "outliers": Program(
        contaminated, {"a": 0.3, "b": 0.5, "share": 0.1}, contaminated_answer, (_x, _y), enumerated=("bad",)
    ),
}
