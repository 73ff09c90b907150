"""Factors: of ratings, of tables, of shared causes."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program

_user = torch.tensor([0, 0, 1, 1, 2, 2])
_film = torch.tensor([0, 1, 1, 3, 2, 0])
_stars = torch.tensor([4.0, 3.0, 5.0, 2.0, 3.0, 4.0])
_table = torch.tensor([[0.5, -0.2, 0.9], [1.1, 0.3, -0.4], [-0.6, 0.8, 0.1], [0.0, -1.0, 0.4]])
_codes = [[[0.3, -0.5]], [[1.1, 0.2]], [[-0.7, 0.9]], [[0.1, 0.4]]]


def ratings(user, film, stars=None):
    """Probabilistic matrix factorisation: vectors of users and films by index."""
    with virgil.plate("users", 3):
        u = virgil.sample("u", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    with virgil.plate("films", 4):
        v = virgil.sample("v", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    with virgil.plate("ratings", len(user)):
        virgil.sample("stars", dist.Normal(3.5 + (u[user] * v[film]).sum(-1), 0.8), obs=stars)


def ratings_answer(user, film, stars, u, v):
    mean = 3.5 + (u[user] * v[film]).sum(-1)
    prior = stats.norm.logpdf(u).sum() + stats.norm.logpdf(v).sum()
    return Answer(prior + stats.norm.logpdf(stars, mean, 0.8).sum(), {"stars": (mean, 0.8)})


def biases(user, film, stars=None):
    """The same with biases, which are looked up by `index_select` and by `gather`, and clicks instead of stars."""
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    tau = virgil.sample("tau", dist.HalfNormal(1.0))
    with virgil.plate("users", 3):
        bu = virgil.sample("bu", dist.Normal(0.0, tau))
    with virgil.plate("films", 4):
        bv = virgil.sample("bv", dist.Normal(0.0, tau))
    score = mu + bu.index_select(-1, user) + torch.take_along_dim(bv, film, dim=-1)
    with virgil.plate("ratings", len(user)):
        virgil.sample("stars", dist.Bernoulli(logits=score), obs=stars)


def biases_answer(user, film, stars, mu, tau, bu, bv):
    prior = stats.norm.logpdf(mu) + stats.halfnorm.logpdf(tau)
    prior += stats.norm.logpdf(bu, 0, tau).sum() + stats.norm.logpdf(bv, 0, tau).sum()
    p = special.expit(mu + bu[user] + bv[film])
    return Answer(prior + stats.bernoulli.logpmf(stars, p).sum(), {"stars": (p, np.sqrt(p * (1 - p)))})


def principal_components(table=None, rows=4, columns=3):
    """Codes in one plate, loadings in another, and a product of the two."""
    row_plate, column_plate = virgil.plate("rows", rows, dim=-2), virgil.plate("columns", columns, dim=-1)
    with column_plate:
        loading = virgil.sample("loading", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    with row_plate:
        code = virgil.sample("code", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    with row_plate, column_plate:
        virgil.sample("table", dist.Normal((code * loading).sum(-1), 0.5), obs=table)


def principal_components_answer(table, loading, code):
    mean = code[:, 0] @ loading.T
    prior = stats.norm.logpdf(loading).sum() + stats.norm.logpdf(code).sum()
    return Answer(prior + stats.norm.logpdf(table, mean, 0.5).sum(), {"table": (mean, 0.5)})


def factor_analysis(table=None, rows=4):
    """Codes integrated out: loadings below the diagonal of a matrix, and a variance of each column."""
    free = virgil.sample("free", dist.Normal(0.0, 1.0).expand([3]).to_event(1))
    with virgil.plate("columns", 3):
        unique = virgil.sample("unique", dist.InverseGamma(3.0, 1.0))
    loading = torch.zeros(3, 2).index_put((torch.tensor([1, 2, 2]), torch.tensor([0, 0, 1])), free)
    loading = loading + torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    with virgil.plate("rows", rows):
        virgil.sample("table", dist.LowRankMultivariateNormal(torch.zeros(3), loading, unique), obs=table)


def factor_analysis_answer(table, free, unique):
    loading = np.array([[1, 0], [free[0], 1], [free[1], free[2]]])
    cov = loading @ loading.T + np.diag(unique)
    prior = stats.norm.logpdf(free).sum() + stats.invgamma.logpdf(unique, 3).sum()
    likelihood = stats.multivariate_normal.logpdf(table, np.zeros(3), cov).sum()
    return Answer(prior + likelihood, {"table": (np.zeros((4, 3)), np.sqrt(np.diag(cov)))})


PROGRAMS = {
    "ratings": Program(
        ratings,
        {"u": [[0.3, -0.5], [1.1, 0.2], [-0.7, 0.9]], "v": [[0.4, 0.2], [-0.3, 0.8], [0.6, -0.1], [0.5, 0.5]]},
        ratings_answer,
        (_user, _film),
        {"stars": _stars},
    ),
    "clicks": Program(
        biases,
        {"mu": 0.3, "tau": 0.7, "bu": [0.5, -0.2, 0.1], "bv": [0.4, -0.3, 0.8, 0.0]},
        biases_answer,
        (_user, _film),
        {"stars": (_stars > 3).float()},
    ),
    "principal components": Program(
        principal_components,
        {"loading": [[0.5, 0.1], [-0.3, 0.8], [0.2, -0.9]], "code": _codes},
        principal_components_answer,
        data={"table": _table},
    ),
    "factor analysis": Program(
        factor_analysis,
        {"free": [0.5, -0.3, 0.8], "unique": [0.4, 0.6, 0.3]},
        factor_analysis_answer,
        data={"table": _table},
    ),
}
