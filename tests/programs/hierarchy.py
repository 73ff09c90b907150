"""Hierarchies: schools, slopes that vary, levels and crossings, studies and areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil.distributions import transforms

_effects = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
_errors = torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
_theta = [9.0, 6.0, 3.0, 5.5, 2.0, 4.0, 8.0, 7.0]
_z = [0.5, 0.2, -0.4, 0.1, -0.6, -0.2, 0.7, 0.3]
_group = torch.tensor([0, 0, 1, 1, 2, 2, 0, 1])
_x = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0, -0.5, 1.5, 0.2])
_y = torch.tensor([0.4, 1.2, -0.7, 0.9, 2.1, 0.3, 1.4, 0.1])


def schools(sigma, y=None):
    mu = virgil.sample("mu", dist.Normal(0, 5))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(sigma)):
        theta = virgil.sample("theta", dist.Normal(mu, tau))
        virgil.sample("y", dist.Normal(theta, sigma), obs=y)


def schools_prior(mu, tau):
    return stats.norm.logpdf(mu, 0, 5) + stats.halfcauchy.logpdf(tau, 0, 5)


def schools_answer(sigma, y, mu, tau, theta):
    prior = schools_prior(mu, tau) + stats.norm.logpdf(theta, mu, tau).sum()
    return Answer(prior + stats.norm.logpdf(y, theta, sigma).sum(), {"y": (theta, sigma)})


def schools_apart(sigma, y=None):
    """The effects as a location and a scale times standard normal variables."""
    mu = virgil.sample("mu", dist.Normal(0, 5))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(sigma)):
        z = virgil.sample("z", dist.Normal(0, 1))
        theta = virgil.deterministic("theta", mu + tau * z)
        virgil.sample("y", dist.Normal(theta, sigma), obs=y)


def schools_apart_answer(sigma, y, mu, tau, z):
    theta = mu + tau * z
    prior = schools_prior(mu, tau) + stats.norm.logpdf(z).sum()
    return Answer(prior + stats.norm.logpdf(y, theta, sigma).sum(), {"y": (theta, sigma)})


def schools_transformed(sigma, y=None):
    """The same prior again, as a transformed distribution, and the schools in a list."""
    mu = virgil.sample("mu", dist.Normal(0, 5))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    schools = virgil.plate("schools", len(sigma))
    with schools:
        affine = transforms.AffineTransform(mu, tau)
        theta = virgil.sample("theta", dist.TransformedDistribution(dist.Normal(0.0, 1.0), [affine]))
    with schools:
        virgil.sample("y", dist.Normal(theta, sigma), obs=y)


def varying_slopes(group, x, y=None):
    """An intercept and a slope of each group, correlated."""
    beta = virgil.sample("beta", dist.Normal(torch.zeros(2), 2.0).to_event(1))
    spread = virgil.sample("spread", dist.Exponential(torch.ones(2)).to_event(1))
    corr = virgil.sample("corr", dist.LKJCholesky(2, concentration=1.0))
    with virgil.plate("groups", 3):
        b = virgil.sample("b", dist.MultivariateNormal(beta, scale_tril=torch.diag_embed(spread) @ corr))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(b[group, 0] + b[group, 1] * x, 0.5), obs=y)


def varying_slopes_answer(group, x, y, beta, spread, corr, b):
    # with a concentration of one the correlation of two is uniform on (-1, 1)
    prior = stats.norm.logpdf(beta, 0, 2).sum() + stats.expon.logpdf(spread).sum() - np.log(2)
    factor = np.diag(spread) @ corr
    prior += stats.multivariate_normal.logpdf(b, beta, factor @ factor.T).sum()
    mean = b[group, 0] + b[group, 1] * x
    return Answer(prior + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


def three_levels(y=None):
    """Pupils in classes in schools, all of one size: a plate a level."""
    mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
    with virgil.plate("schools", 2, dim=-3):
        school = virgil.sample("school", dist.Normal(mu, 1.0))
        with virgil.plate("classes", 3, dim=-2):
            room = virgil.sample("room", dist.Normal(school, 0.5))
            with virgil.plate("pupils", 2, dim=-1):
                virgil.sample("y", dist.Normal(room, 0.7), obs=y)


def three_levels_answer(y, mu, school, room):
    prior = (
        stats.norm.logpdf(mu, 0, 3) + stats.norm.logpdf(school, mu).sum() + stats.norm.logpdf(room, school, 0.5).sum()
    )
    mean = room + np.zeros((2, 3, 2))
    return Answer(prior + stats.norm.logpdf(y, mean, 0.7).sum(), {"y": (mean, 0.7)})


def crossed(subject, item, y=None):
    """Effects of subjects and items, by index."""
    scale = virgil.sample("scale", dist.HalfNormal(1.0).expand([2]).to_event(1))
    with virgil.plate("subjects", 3):
        s = virgil.sample("s", dist.Normal(0.0, scale[0]))
    with virgil.plate("items", 4):
        i = virgil.sample("i", dist.Normal(0.0, scale[1]))
    with virgil.plate("rows", len(subject)):
        virgil.sample("y", dist.Normal(s[subject] + i[item], 0.5), obs=y)


def crossed_answer(subject, item, y, scale, s, i):
    prior = stats.halfnorm.logpdf(scale).sum() + stats.norm.logpdf(s, 0, scale[0]).sum()
    prior += stats.norm.logpdf(i, 0, scale[1]).sum()
    mean = s[subject] + i[item]
    return Answer(prior + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


@dataclass
class Studies:
    """Effects that studies found, with their errors."""

    effect: Tensor
    error: Tensor


def meta(studies, alternatives=(0.0, 0.5)):
    """Studies as an object; a mean that is a parameter, and heavy tails."""
    mean = virgil.param("mean", torch.tensor(alternatives[1]))
    tau = virgil.sample("tau", dist.InverseGamma(3.0, 1.0))
    with virgil.plate("studies", studies.effect.shape[0]) as ind:
        theta = virgil.sample("theta", dist.StudentT(4.0, mean, tau))
        virgil.sample("effect", dist.Normal(theta, studies.error[ind]), obs=studies.effect[ind])


def meta_answer(studies, tau, theta):
    prior = stats.invgamma.logpdf(tau, 3) + stats.t.logpdf(theta, 4, 0.5, tau).sum()
    return Answer(prior + stats.norm.logpdf(studies.effect.numpy(), theta, studies.error.numpy()).sum())


def small_area(x, error, y=None):
    """Fay and Herriot's: a regression of areas' means, whose sampling errors are known."""
    beta = virgil.sample("beta", dist.Normal(0.0, 10.0).expand((x.shape[-1],)).to_event(1))
    sigma = virgil.sample("sigma", dist.Uniform(0.01, 3.0))
    with virgil.plate("areas", x.shape[-2]):
        theta = virgil.sample("theta", dist.Normal(torch.mv(x, beta), sigma))
        virgil.sample("y", dist.Normal(theta, error), obs=y)


def small_area_answer(x, error, y, beta, sigma, theta):
    prior = stats.norm.logpdf(beta, 0, 10).sum() + stats.uniform.logpdf(sigma, 0.01, 2.99)
    prior += stats.norm.logpdf(theta, x @ beta, sigma).sum()
    return Answer(prior + stats.norm.logpdf(y, theta, error).sum(), {"y": (theta, error)})


def baseball(at_bats, hits=None):
    m = virgil.sample("m", dist.Uniform(0, 1))
    kappa = virgil.sample("kappa", dist.Pareto(1, 1.5))
    with virgil.plate("players", at_bats.shape[0]):
        phi = virgil.sample("phi", dist.Beta(m * kappa, (1 - m) * kappa))
        return virgil.sample("hits", dist.Binomial(at_bats, phi), obs=hits)


def baseball_answer(at_bats, hits, m, kappa, phi):
    prior = stats.pareto.logpdf(kappa, 1.5) + stats.beta.logpdf(phi, m * kappa, (1 - m) * kappa).sum()
    moments = at_bats * phi, np.sqrt(at_bats * phi * (1 - phi))
    return Answer(prior + stats.binom.logpmf(hits, at_bats, phi).sum(), {"hits": moments})


def rats(days, weight=None):
    """Growth lines: rats and days are plates, days on the right."""
    mean = virgil.sample("mean", dist.Normal(torch.tensor([24.0, 6.0]), torch.tensor([5.0, 2.0])).to_event(1))
    with virgil.plate("rats", 2, dim=-2):
        alpha = virgil.sample("alpha", dist.Normal(mean[..., 0], 2.0))
        beta = virgil.sample("beta", dist.Normal(mean[..., 1], 0.5))
        with virgil.plate("days", len(days), dim=-1):
            virgil.sample("weight", dist.Normal(alpha + beta * (days - days.mean()), 0.6), obs=weight)


def rats_answer(days, weight, mean, alpha, beta):
    prior = stats.norm.logpdf(mean, [24, 6], [5, 2]).sum() + stats.norm.logpdf(alpha, mean[0], 2).sum()
    prior += stats.norm.logpdf(beta, mean[1], 0.5).sum()
    lines = alpha + beta * (days - days.mean())
    return Answer(prior + stats.norm.logpdf(weight, lines, 0.6).sum(), {"weight": (lines, 0.6)})


def ragged(groups):
    """Groups of unequal sizes: a list of tensors, and a plate inside each round of another."""
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    for i in virgil.plate("groups", len(groups)):
        theta = virgil.sample(f"theta_{i}", dist.Normal(mu, 1.0))
        with virgil.plate(f"rows_{i}", len(groups[i])):
            virgil.sample(f"y_{i}", dist.Normal(theta, 0.5), obs=groups[i])


def ragged_answer(groups, mu, **theta):
    means = [theta[f"theta_{i}"] for i in range(len(groups))]
    prior = stats.norm.logpdf(mu, 0, 2) + stats.norm.logpdf(means, mu).sum()
    return Answer(prior + sum(stats.norm.logpdf(y.numpy(), m, 0.5).sum() for y, m in zip(groups, means, strict=True)))


def standardised(name, size, loc, scale):
    """Variables of a plate as a location and a scale times standard normal ones: a function that programs share."""
    with virgil.plate(f"{name}_plate", size):
        z = virgil.sample(f"{name}_z", dist.Normal(0.0, 1.0))
    return virgil.deterministic(name, loc + scale * z)


def nested_logistic(group, region, x, y=None):
    """Groups in regions, both by index."""
    regions = standardised("regions", 2, 0.0, 1.0)
    sigma = virgil.sample("sigma", dist.Gamma(2.0, 2.0))
    intercepts = standardised("intercepts", 3, regions[region], sigma)
    b = virgil.sample("b", dist.StudentT(3.0, 0.0, 1.0))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Bernoulli(logits=intercepts[group] + b * x), obs=y)


def nested_logistic_answer(group, region, x, y, sigma, b, regions_z, intercepts_z):
    prior = stats.gamma.logpdf(sigma, 2, scale=0.5) + stats.t.logpdf(b, 3)
    prior += stats.norm.logpdf(regions_z).sum() + stats.norm.logpdf(intercepts_z).sum()
    p = special.expit((regions_z[region] + sigma * intercepts_z)[group] + b * x)
    return Answer(prior + stats.bernoulli.logpmf(y, p).sum(), {"y": (p, np.sqrt(p * (1 - p)))})


PROGRAMS = {
    "schools": Program(schools, {"mu": 4.0, "tau": 3.0, "theta": _theta}, schools_answer, (_errors,), {"y": _effects}),
    "schools, standardised": Program(
        schools_apart, {"mu": 4.0, "tau": 3.0, "z": _z}, schools_apart_answer, (_errors,), {"y": _effects}
    ),
    "schools, transformed": Program(
        schools_transformed, {"mu": 4.0, "tau": 3.0, "theta": _theta}, schools_answer, (_errors,), {"y": _effects}
    ),
    "varying slopes": Program(
        varying_slopes,
        {
            "beta": [0.3, 0.8],
            "spread": [0.6, 0.4],
            "corr": [[1.0, 0.0], [0.6, 0.8]],
            "b": [[0.1, 0.9], [0.5, 0.7], [-0.2, 1.1]],
        },
        varying_slopes_answer,
        (_group, _x),
        {"y": _y},
    ),
    "three levels": Program(
        three_levels,
        {"mu": 0.5, "school": [[[0.3]], [[1.1]]], "room": [[[0.2], [0.6], [0.1]], [[1.0], [1.5], [0.7]]]},
        three_levels_answer,
        data={"y": torch.linspace(-0.5, 1.8, 12).reshape(2, 3, 2)},
    ),
    "crossed effects": Program(
        crossed,
        {"scale": [0.8, 0.5], "s": [0.4, -0.1, 0.9], "i": [0.3, -0.5, 0.2, 0.6]},
        crossed_answer,
        (_group, torch.tensor([0, 1, 2, 3, 0, 1, 2, 3])),
        {"y": _y},
    ),
    "studies": Program(
        meta,
        {"tau": 0.6, "theta": [0.4, 0.9, 0.2]},
        meta_answer,
        (Studies(torch.tensor([0.6, 1.1, -0.2]), torch.tensor([0.3, 0.4, 0.2])),),
    ),
    "small areas": Program(
        small_area,
        {"beta": [0.2, 0.9], "sigma": 0.4, "theta": [0.3, 1.2, -0.6, 0.8, 2.0, 0.1, 1.5, 0.3]},
        small_area_answer,
        (torch.stack([torch.ones(8), _x], 1), _errors / 20),
        {"y": _y},
    ),
    "baseball": Program(
        baseball,
        {"m": 0.3, "kappa": 20.0, "phi": [0.35, 0.28, 0.31]},
        baseball_answer,
        (torch.tensor([45.0, 45.0, 40.0]),),
        {"hits": torch.tensor([18.0, 12.0, 11.0])},
    ),
    "rats": Program(
        rats,
        {"mean": [24.0, 6.2], "alpha": [[23.5], [25.0]], "beta": [[6.0], [6.5]]},
        rats_answer,
        (torch.tensor([0.8, 1.5, 2.2, 2.9]),),
        {"weight": torch.tensor([[17.0, 21.4, 25.8, 30.1], [18.2, 22.6, 27.3, 32.0]])},
    ),
    "ragged groups": Program(
        ragged,
        {"mu": 0.5, "theta_0": 0.2, "theta_1": 1.0, "theta_2": 0.4},
        ragged_answer,
        ([_y[:3], _y[3:4], _y[4:]],),
    ),
    "groups in regions": Program(
        nested_logistic,
        {"sigma": 0.7, "b": 0.9, "regions_z": [0.4, -0.8], "intercepts_z": [0.3, 0.1, -0.9]},
        nested_logistic_answer,
        (_group, torch.tensor([0, 1, 1]), _x),
        {"y": (_y > 0.35).float()},
    ),
}
