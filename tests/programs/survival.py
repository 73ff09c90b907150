"""Survival: times that are censored, hazards, cures and competing causes."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil import poutine

_time = torch.tensor([0.7, 1.9, 3.0, 0.4, 2.2, 1.1, 3.0, 0.9])
_event = torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0])
_x = torch.tensor([0.5, -0.3, -1.0, 1.2, 0.1, 0.0, -0.6, 0.8])
_cause = torch.tensor([0, 1, 0, 1, 1, 0, 0, 0])


def exponential(time, event):
    """Deaths under one mask, survivors under its complement."""
    rate = virgil.sample("rate", dist.Gamma(2.0, 2.0))
    died = event.bool()
    with virgil.plate("patients", len(time)):
        with poutine.mask(mask=died):
            virgil.sample("death", dist.Exponential(rate), obs=time)
        with poutine.mask(mask=~died):
            virgil.factor("survival", -rate * time)


def exponential_answer(time, event, rate):
    return Answer(stats.gamma.logpdf(rate, 2, scale=0.5) + (event * np.log(rate) - rate * time).sum())


def exponential_regression(x, time=None):
    """Uncensored times, with a rate by covariate."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("patients", len(x)):
        virgil.sample("time", dist.Exponential((a + b * x).exp()), obs=time)


def exponential_regression_answer(x, time, a, b):
    scale = np.exp(-a - b * x)
    return Answer(stats.norm.logpdf([a, b]).sum() + stats.expon.logpdf(time, 0, scale).sum(), {"time": (scale, scale)})


def weibull(x, time, event):
    """Censored times by a function of one's own for the log-likelihood."""

    def log_likelihood(scale, shape):
        log_hazard = shape.log() - scale.log() + (shape - 1) * (time.log() - scale.log())
        return event * log_hazard - (time / scale) ** shape

    shape = virgil.sample("shape", dist.LogNormal(0.0, 0.5))
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0))
    with virgil.plate("patients", len(time)):
        virgil.factor("likelihood", log_likelihood(torch.exp(0.5 - beta * x), shape))


def weibull_answer(x, time, event, shape, beta):
    scale = np.exp(0.5 - beta * x)
    fn = stats.weibull_min(shape, scale=scale)
    prior = stats.lognorm.logpdf(shape, 0.5) + stats.norm.logpdf(beta)
    return Answer(prior + np.where(event == 1, fn.logpdf(time), fn.logsf(time)).sum())


def piecewise(edges, time, event):
    """Piecewise constant hazards, as Poisson counts with the time at risk as exposure."""
    with virgil.plate("pieces", 3, dim=-1):
        hazard = virgil.sample("hazard", dist.Gamma(1.5, 2.0))
        with virgil.plate("patients", len(time), dim=-2):
            at_risk = (time.unsqueeze(-1) - edges[:-1]).clamp(torch.tensor(0.0), edges.diff())
            inside = (time.unsqueeze(-1) > edges[:-1]) & (time.unsqueeze(-1) <= edges[1:])
            died = event.unsqueeze(-1) * inside
            virgil.factor("likelihood", died * hazard.log() - hazard * at_risk)


def piecewise_answer(edges, time, event, hazard):
    total = stats.gamma.logpdf(hazard, 1.5, scale=0.5).sum()
    for t, died in zip(time, event, strict=True):
        piece = int(np.searchsorted(edges, t) - 1)
        cumulative = sum(hazard[k] * (min(t, edges[k + 1]) - edges[k]) for k in range(piece + 1))
        total += died * np.log(hazard[piece]) - cumulative
    return Answer(total)


def accelerated(x, time, event):
    """Log-normal times: a masked distribution for deaths, a tail's logarithm for the rest."""
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0))
    sigma = virgil.sample("sigma", dist.HalfNormal(1.0))
    with virgil.plate("patients", len(time)):
        virgil.sample("death", dist.LogNormal(beta * x, sigma).mask(event.bool()), obs=time)
        tail = torch.special.log_ndtr((beta * x - time.log()) / sigma)
        virgil.factor("survival", torch.where(event == 1, 0.0, tail))


def accelerated_answer(x, time, event, beta, sigma):
    prior = stats.norm.logpdf(beta) + stats.halfnorm.logpdf(sigma)
    fn = stats.lognorm(sigma, scale=np.exp(beta * x))
    return Answer(prior + np.where(event == 1, fn.logpdf(time), fn.logsf(time)).sum())


def cox(x, time, event):
    """The partial likelihood, whose risk sets are sums over those who live as long."""
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0))
    order = torch.argsort(time, descending=True, stable=True)
    scores = (beta * x)[order]
    at_risk = torch.logcumsumexp(scores, dim=0)
    virgil.factor("partial_likelihood", (event[order] * (scores - at_risk)).sum())


def cox_answer(x, time, event, beta):
    deaths = [i for i in range(len(time)) if event[i]]
    likelihood = sum(beta * x[i] - special.logsumexp(beta * x[time >= time[i]]) for i in deaths)
    return Answer(stats.norm.logpdf(beta) + likelihood)


def cure(time, event):
    """A part of the patients never dies; who, is summed out."""
    cured = virgil.sample("cured", dist.Beta(1.0, 1.0))
    rate = virgil.sample("rate", dist.Exponential(1.0))
    with virgil.plate("patients", len(time)):
        immune = virgil.sample("immune", dist.Bernoulli(cured), infer={"enumerate": "parallel"})
        lived = event * rate.log() - rate * time
        virgil.factor("likelihood", torch.where(immune == 1, torch.where(event == 1, -torch.inf, 0.0), lived))


def cure_answer(time, event, cured, rate):
    likelihood = (1 - cured) * rate**event * np.exp(-rate * time) + cured * (1 - event)
    return Answer(stats.expon.logpdf(rate) + np.log(likelihood).sum())


def competing(patients, time=None, cause=None):
    """The first of two causes: a time with the sum of their hazards, and a cause by its part of it."""
    with virgil.plate("causes", 2):
        hazard = virgil.sample("hazard", dist.Gamma(2.0, 4.0))
    with virgil.plate("patients", patients):
        virgil.sample("time", dist.Exponential(hazard.sum(-1)), obs=time)
        virgil.sample("cause", dist.Categorical(probs=hazard / hazard.sum(-1, keepdim=True)), obs=cause)


def competing_answer(patients, time, cause, hazard):
    total = hazard.sum()
    likelihood = np.log(hazard[cause]).sum() - total * time.sum()
    p = hazard[1] / total
    moments = {"time": (np.full(patients, 1 / total), 1 / total), "cause": (np.full(patients, p), np.sqrt(p * (1 - p)))}
    return Answer(stats.gamma.logpdf(hazard, 2, scale=0.25).sum() + likelihood, moments)


def frailty(centre, x, time, event):
    """Gompertz hazards, multiplied by a gamma effect of each centre."""
    theta = virgil.sample("theta", dist.Exponential(1.0))
    log_a, b = virgil.sample("log_a", dist.Normal(-1.0, 1.0)), virgil.sample("b", dist.HalfNormal(0.5))
    beta = virgil.sample("beta", dist.Laplace(0.0, 1.0))
    with virgil.plate("centres", 3):
        effect = virgil.sample("effect", dist.Gamma(1 / theta, 1 / theta))
    with virgil.plate("patients", len(time)):
        log_hazard = effect[centre].log() + log_a + b * time + beta * x
        cumulative = effect[centre] * torch.exp(log_a + beta * x) / b * torch.expm1(b * time)
        virgil.factor("likelihood", event * log_hazard - cumulative)


def frailty_answer(centre, x, time, event, theta, log_a, b, beta, effect):
    prior = stats.expon.logpdf(theta) + stats.norm.logpdf(log_a, -1) + stats.halfnorm.logpdf(b, 0, 0.5)
    prior += stats.laplace.logpdf(beta) + stats.gamma.logpdf(effect, 1 / theta, scale=theta).sum()
    factor = effect[centre] * np.exp(log_a + beta * x)
    # SciPy's Gompertz hazard is c exp(t), with time in units of 1 / b
    fn = stats.gompertz(factor / b, scale=1 / b)
    return Answer(prior + np.where(event == 1, fn.logpdf(time), fn.logsf(time)).sum())


PROGRAMS = {
    "exponential": Program(exponential, {"rate": 0.5}, exponential_answer, (_time, _event)),
    "exponential by covariate": Program(
        exponential_regression, {"a": -0.4, "b": 0.6}, exponential_regression_answer, (_x,), {"time": _time}
    ),
    "Weibull": Program(weibull, {"shape": 1.3, "beta": 0.6}, weibull_answer, (_x, _time, _event)),
    "piecewise hazards": Program(
        piecewise,
        {"hazard": [0.4, 0.6, 0.3]},
        piecewise_answer,
        (torch.tensor([0.0, 1.0, 2.0, 4.0]), _time, _event),
    ),
    "accelerated failure": Program(accelerated, {"beta": -0.5, "sigma": 0.8}, accelerated_answer, (_x, _time, _event)),
    "Cox": Program(cox, {"beta": 0.7}, cox_answer, (_x, _time, _event)),
    "a cure": Program(cure, {"cured": 0.3, "rate": 0.8}, cure_answer, (_time, _event), enumerated=("immune",)),
    "competing causes": Program(
        competing, {"hazard": [0.2, 0.35]}, competing_answer, (8,), {"time": _time, "cause": _cause}
    ),
    "frailty": Program(
        frailty,
        {"theta": 0.5, "log_a": -0.8, "b": 0.3, "beta": 0.5, "effect": [0.7, 1.2, 1.4]},
        frailty_answer,
        (torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]), _x, _time, _event),
    ),
}
