"""Time series: autoregressions, walks, levels and trends, volatility, changes, epidemics and populations."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil import poutine

_y = torch.tensor([0.3, 0.6, 0.2, -0.1, 0.4, 0.9, 1.1, 0.8])


def autoregression(y):
    """Each value given the one before, all at once."""
    phi = virgil.sample("phi", dist.Uniform(-1.0, 1.0))
    sigma = virgil.sample("sigma", dist.HalfNormal(1.0))
    virgil.sample("first", dist.Normal(0.0, sigma / (1 - phi**2).sqrt()), obs=y[0])
    with virgil.plate("steps", len(y) - 1):
        virgil.sample("y", dist.Normal(phi * y[:-1], sigma), obs=y[1:])


def autoregression_answer(y, phi, sigma):
    # the stationary process's covariance
    lags = abs(np.subtract.outer(np.arange(len(y)), np.arange(len(y))))
    cov = sigma**2 / (1 - phi**2) * phi**lags
    prior = np.log(0.5) + stats.halfnorm.logpdf(sigma)
    return Answer(prior + stats.multivariate_normal.logpdf(y, np.zeros(len(y)), cov))


def second_order(length, y=None):
    """Step by step in a Python loop; without data it draws a series."""
    phi = virgil.sample("phi", dist.Normal(torch.tensor([0.5, 0.0]), 0.5).to_event(1))
    sigma = virgil.sample("sigma", dist.LogNormal(-1, 0.5))
    before, last = torch.tensor(0.0), torch.tensor(0.0)
    for t in range(length):
        mean = phi[..., 0] * last + phi[..., 1] * before
        now = virgil.sample(f"y_{t}", dist.Normal(mean, sigma), obs=None if y is None else y[t])
        before, last = last, now


def second_order_answer(length, y, phi, sigma):
    padded = np.concatenate([[0, 0], y])
    mean = phi[0] * padded[1:-1] + phi[1] * padded[:-2]
    prior = stats.norm.logpdf(phi, [0.5, 0], 0.5).sum() + stats.lognorm.logpdf(sigma, 0.5, scale=np.exp(-1))
    variances = sigma**2 * np.array([1, 1 + phi[0] ** 2])
    moments = {"y_0": (0.0, np.sqrt(variances[0])), "y_1": (0.0, np.sqrt(variances[1]))}
    return Answer(prior + stats.norm.logpdf(y, mean, sigma).sum(), moments)


def random_walk(y):
    """Latent steps, added up."""
    sigma = virgil.sample("sigma", dist.HalfCauchy(0.5))
    with virgil.plate("steps", len(y)):
        step = virgil.sample("step", dist.Normal(0.0, 1.0))
        level = torch.cumsum(sigma * step, dim=-1)
        virgil.sample("y", dist.Normal(level, 0.3), obs=y)


def random_walk_answer(y, sigma, step):
    prior = stats.halfcauchy.logpdf(sigma, 0, 0.5) + stats.norm.logpdf(step).sum()
    return Answer(prior + stats.norm.logpdf(y, np.cumsum(sigma * step), 0.3).sum())


def level_and_trend(y):
    """A level and a trend that wander, in a loop with `markov`."""
    level = virgil.sample("level_0", dist.Normal(0.0, 1.0))
    trend = virgil.sample("trend_0", dist.Normal(0.0, 0.2))
    for t in virgil.markov(range(1, len(y))):
        level, previous = virgil.sample(f"level_{t}", dist.Normal(level + trend, 0.3)), trend
        trend = virgil.sample(f"trend_{t}", dist.Normal(previous, 0.1))
        virgil.sample(f"y_{t}", dist.Normal(level, 0.2), obs=y[t])


def level_and_trend_answer(y, **point):
    level = np.array([point[f"level_{t}"] for t in range(len(y))])
    trend = np.array([point[f"trend_{t}"] for t in range(len(y))])
    total = stats.norm.logpdf(level[0]) + stats.norm.logpdf(trend[0], 0, 0.2)
    total += stats.norm.logpdf(level[1:], level[:-1] + trend[:-1], 0.3).sum()
    total += stats.norm.logpdf(trend[1:], trend[:-1], 0.1).sum()
    return Answer(total + stats.norm.logpdf(y[1:], level[1:], 0.2).sum())


def volatility(returns):
    """Log-variances as one vector whose density is stated as a factor."""
    phi = virgil.sample("phi", dist.TransformedDistribution(dist.Beta(20.0, 1.5), [_to_correlation]))
    sigma = virgil.sample("sigma", dist.Gamma(2.0, 10.0))
    mu = virgil.sample("mu", dist.Normal(-1.0, 2.0))
    n = len(returns)
    h = virgil.sample("h", dist.ImproperUniform(dist.constraints.real_vector, (), (n,)))
    chain = dist.Normal(mu + phi * (h[:-1] - mu), sigma).log_prob(h[1:]).sum()
    start = dist.Normal(mu, sigma / (1 - phi * phi).sqrt()).log_prob(h[0])
    virgil.factor("walk", start + chain)
    with virgil.plate("returns", n):
        virgil.sample("r", dist.Normal(0.0, torch.exp(h / 2)), obs=returns)


_to_correlation = dist.transforms.AffineTransform(-1.0, 2.0)


def volatility_answer(returns, phi, sigma, mu, h):
    prior = stats.beta.logpdf((phi + 1) / 2, 20, 1.5) - np.log(2) + stats.gamma.logpdf(sigma, 2, scale=0.1)
    prior += stats.norm.logpdf(mu, -1, 2)
    prior += stats.norm.logpdf(h[0], mu, sigma / np.sqrt(1 - phi**2))
    prior += stats.norm.logpdf(h[1:], mu + phi * (h[:-1] - mu), sigma).sum()
    return Answer(prior + stats.norm.logpdf(returns, 0, np.exp(h / 2)).sum())


def seasonal(months, y=None):
    """A trend, effects of the season that sum to zero, and harmonics; NumPy makes the constants."""
    rows = np.arange(months, dtype=np.float32)
    basis = torch.from_numpy(np.stack([np.sin(np.pi * rows / 2), np.cos(np.pi * rows / 2)], -1))
    slope = virgil.sample("slope", dist.Normal(0.0, 0.1))
    with virgil.plate("seasons", 3):
        free = virgil.sample("free", dist.Normal(0.0, 0.5))
    season = torch.cat([free, -free.sum(-1, keepdim=True)], -1)
    wave = virgil.sample("wave", dist.Normal(torch.zeros(2), 0.5).to_event(1))
    mean = slope * torch.from_numpy(rows) + season[torch.arange(months) % 4] + basis @ wave
    with virgil.plate("months", months):
        virgil.sample("y", dist.Normal(mean, 0.4), obs=y)


def seasonal_answer(months, y, slope, free, wave):
    rows = np.arange(months)
    season = np.append(free, -free.sum())[rows % 4]
    mean = slope * rows + season + wave[0] * np.sin(np.pi * rows / 2) + wave[1] * np.cos(np.pi * rows / 2)
    prior = stats.norm.logpdf(slope, 0, 0.1) + stats.norm.logpdf(free, 0, 0.5).sum()
    prior += stats.norm.logpdf(wave, 0, 0.5).sum()
    return Answer(prior + stats.norm.logpdf(y, mean, 0.4).sum(), {"y": (mean, 0.4)})


def kalman(y=None, length=8):
    """A local level, integrated out: one multivariate normal distribution."""
    q = virgil.sample("q", dist.HalfNormal(1.0))
    r = virgil.sample("r", dist.HalfNormal(1.0))
    steps = torch.arange(1.0, length + 1)
    walk = torch.minimum(steps, steps.unsqueeze(-1))
    q, r = q[..., None, None], r[..., None, None]
    cov = q**2 * walk + r**2 * torch.eye(length)
    virgil.sample("y", dist.MultivariateNormal(torch.zeros(length), covariance_matrix=cov), obs=y)


def kalman_answer(y, q, r):
    # the filter: mean and variance of the level, and a prediction of each value
    mean, variance, total = 0.0, 0.0, stats.halfnorm.logpdf([q, r]).sum()
    for value in y:
        variance += q**2
        total += stats.norm.logpdf(value, mean, np.sqrt(variance + r**2))
        gain = variance / (variance + r**2)
        mean, variance = mean + gain * (value - mean), (1 - gain) * variance
    sd = np.sqrt(q**2 * np.arange(1, len(y) + 1) + r**2)
    return Answer(total, {"y": (np.zeros(len(y)), sd)})


def change_point(counts):
    """The step at which a rate changes, summed out."""
    early = virgil.sample("early", dist.Exponential(0.5))
    late = virgil.sample("late", dist.Exponential(0.5))
    when = virgil.sample("when", dist.Categorical(torch.ones(len(counts))), infer={"enumerate": "parallel"})
    steps = torch.arange(len(counts))
    with virgil.plate("steps", len(counts)):
        virgil.sample("counts", dist.Poisson(torch.where(when > steps, early, late)), obs=counts)


def change_point_answer(counts, early, late):
    n = len(counts)
    terms = [
        stats.poisson.logpmf(counts[:k], early).sum() + stats.poisson.logpmf(counts[k:], late).sum() for k in range(n)
    ]
    prior = stats.expon.logpdf([early, late], scale=2).sum()
    return Answer(prior + np.logaddexp.reduce(terms) - np.log(n))


def epidemic(cases=None, population=1000, days=6):
    """Susceptible, infected and recovered by Euler's steps; reports are counts."""
    beta = virgil.sample("beta", dist.LogNormal(-0.5, 0.5))
    gamma = virgil.sample("gamma", dist.LogNormal(-1.5, 0.5))
    s, i = torch.tensor(population - 10.0), torch.tensor(10.0)
    infections = []
    for _ in range(days):
        new = beta * s * i / population
        s, i = s - new, i + new - gamma * i
        infections.append(new)
    with virgil.plate("days", days):
        virgil.sample("cases", dist.Poisson(0.5 * torch.stack(infections, -1)), obs=cases)


def epidemic_answer(cases, beta, gamma):
    s, i, mean = 990.0, 10.0, []
    for _ in range(len(cases)):
        new = beta * s * i / 1000
        s, i = s - new, i + new - gamma * i
        mean.append(0.5 * new)
    prior = stats.lognorm.logpdf(beta, 0.5, scale=np.exp(-0.5)) + stats.lognorm.logpdf(gamma, 0.5, scale=np.exp(-1.5))
    return Answer(prior + stats.poisson.logpmf(cases, mean).sum(), {"cases": (np.array(mean), np.sqrt(mean))})


def rk4(derivative, state, step):
    """One step of Runge and Kutta's."""
    k1 = derivative(state)
    k2 = derivative(state + step / 2 * k1)
    k3 = derivative(state + step / 2 * k2)
    k4 = derivative(state + step * k3)
    return state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def populations(seen=None, years=5):
    """Hunters and prey; the rates are the entries of one vector."""
    theta = virgil.sample("theta", dist.LogNormal(torch.tensor([-0.6, -3.6, -0.2, -3.7]), 0.3).to_event(1))
    a, b, c, d = theta.unbind(-1)

    def derivative(state):
        prey, hunters = state.unbind(-1)
        return torch.stack([(a - b * hunters) * prey, (d * prey - c) * hunters], -1)

    state, path = torch.tensor([30.0, 4.0]), []
    with poutine.scale(scale=0.5):
        for _ in range(years):
            state = rk4(derivative, state, 1.0)
            path.append(state)
        with virgil.plate("years", years, dim=-1):
            virgil.sample("seen", dist.LogNormal(torch.stack(path, -2).log(), 0.25).to_event(1), obs=seen)


def populations_answer(seen, theta):
    a, b, c, d = theta
    state, path = np.array([30.0, 4.0]), []
    for _ in range(len(seen)):
        state = rk4(lambda z: np.array([(a - b * z[1]) * z[0], (d * z[0] - c) * z[1]]), state, 1.0)
        path.append(state)
    prior = stats.lognorm.logpdf(theta, 0.3, scale=np.exp([-0.6, -3.6, -0.2, -3.7])).sum()
    path = np.array(path)
    fn = stats.lognorm(0.25, scale=path)
    return Answer(prior + 0.5 * fn.logpdf(seen).sum(), {"seen": (fn.mean(), fn.std())})


_levels = {f"level_{t}": [0.1, 0.3, 0.2, 0.0][t] for t in range(4)}
_trends = {f"trend_{t}": [0.1, 0.0, -0.1, -0.05][t] for t in range(4)}

PROGRAMS = {
    "AR(1)": Program(autoregression, {"phi": 0.6, "sigma": 0.4}, autoregression_answer, (_y,)),
    "AR(2)": Program(second_order, {"phi": [0.6, 0.2], "sigma": 0.4}, second_order_answer, (8,), {"y": _y}),
    "a random walk": Program(
        random_walk, {"sigma": 0.4, "step": [0.5, 0.8, -0.9, -0.7, 1.1, 1.2, 0.6, -0.5]}, random_walk_answer, (_y,)
    ),
    "level and trend": Program(level_and_trend, {**_levels, **_trends}, level_and_trend_answer, (_y[:4],)),
    "stochastic volatility": Program(
        volatility,
        {"phi": 0.9, "sigma": 0.3, "mu": -1.2, "h": [-1.0, -0.8, -1.1, -1.5, -1.3, -0.9, -0.7, -1.0]},
        volatility_answer,
        (_y,),
    ),
    "seasons": Program(
        seasonal,
        {"slope": 0.05, "free": [0.2, -0.1, 0.3], "wave": [0.1, -0.2]},
        seasonal_answer,
        (8,),
        {"y": _y},
    ),
    "a filtered level": Program(kalman, {"q": 0.4, "r": 0.3}, kalman_answer, data={"y": _y}),
    "a change": Program(
        change_point,
        {"early": 4.0, "late": 1.2},
        change_point_answer,
        (torch.tensor([4.0, 5.0, 3.0, 4.0, 1.0, 0.0, 2.0, 1.0]),),
        enumerated=("when",),
    ),
    "an epidemic": Program(
        epidemic,
        {"beta": 0.7, "gamma": 0.2},
        epidemic_answer,
        data={"cases": torch.tensor([4.0, 5.0, 6.0, 11.0, 15.0, 19.0])},
    ),
    "hunters and prey": Program(
        populations,
        {"theta": [0.55, 0.028, 0.8, 0.024]},
        populations_answer,
        data={"seen": torch.tensor([[47.0, 6.1], [70.0, 9.8], [77.0, 35.0], [36.0, 59.0], [20.0, 41.0]])},
    ),
}
