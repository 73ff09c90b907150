"""Regressions: lines, curves, robust and penalised ones, classes."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor, nn

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil.nn import PyroModule, PyroSample

_x = torch.linspace(-1.5, 1.5, 12)
_noise = torch.tensor([0.3, -0.2, 0.1, 0.5, -0.4, 0.0, 0.2, -0.1, -0.3, 0.4, 0.1, -0.2])
_y = 0.5 + 1.2 * _x + _noise
_table = torch.stack([_x, _noise * 2, _x**2 - 0.7], 1)
_classes = torch.tensor([0, 1, 0, 2, 1, 1, 0, 2, 2, 1, 0, 2])
_binary = (_classes == 1).float()
_group = torch.tensor([0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2])


def line(x, y=None):
    a = virgil.sample("a", dist.Normal(0.0, 2.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    sigma = virgil.sample("sigma", dist.HalfNormal(1.0))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(a + b * x, sigma), obs=y)


def line_answer(x, y, a, b, sigma):
    prior = stats.norm.logpdf(a, 0, 2) + stats.norm.logpdf(b) + stats.halfnorm.logpdf(sigma)
    mean = a + b * x
    return Answer(prior + stats.norm.logpdf(y, mean, sigma).sum(), {"y": (mean, sigma)})


def table_line(x, y=None):
    """Coefficients as an event, and a product with the table."""
    beta = virgil.sample("beta", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    sigma = virgil.sample("sigma", dist.Exponential(2.0))
    with virgil.plate("rows", x.shape[0]):
        virgil.sample("y", dist.Normal((x * beta.unsqueeze(-2)).sum(-1), sigma), obs=y)


def table_line_answer(x, y, beta, sigma):
    prior = stats.norm.logpdf(beta).sum() + stats.expon.logpdf(sigma, scale=0.5)
    return Answer(prior + stats.norm.logpdf(y, x @ beta, sigma).sum(), {"y": (x @ beta, sigma)})


def indexed_line(x, y=None):
    """Entries of one vector by their positions, as in many tutorials."""
    w = virgil.sample("w", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(w[0] + w[1] * x, 0.5), obs=y)


def indexed_line_answer(x, y, w):
    mean = w[0] + w[1] * x
    return Answer(stats.norm.logpdf(w).sum() + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


def intercepts(x, group, y=None):
    """A line with an intercept for each group: the commonest line of code there is."""
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("groups", 3):
        a = virgil.sample("a", dist.Normal(0.0, 2.0))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(a[group] + b * x, 0.6), obs=y)


def intercepts_answer(x, group, y, b, a):
    prior = stats.norm.logpdf(b) + stats.norm.logpdf(a, 0, 2).sum()
    mean = a[group] + b * x
    return Answer(prior + stats.norm.logpdf(y, mean, 0.6).sum(), {"y": (mean, 0.6)})


def robust(x, y=None):
    a = virgil.sample("a", dist.Normal(0.0, 2.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    nu = virgil.sample("nu", dist.Gamma(2.0, 0.1))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.StudentT(nu, a + b * x, 0.4), obs=y)


def robust_answer(x, y, a, b, nu):
    prior = stats.norm.logpdf(a, 0, 2) + stats.norm.logpdf(b) + stats.gamma.logpdf(nu, 2, scale=10)
    mean = a + b * x
    sd = 0.4 * np.sqrt(nu / (nu - 2))
    return Answer(prior + stats.t.logpdf(y, nu, mean, 0.4).sum(), {"y": (mean, sd)})


def lasso(x, y=None):
    with virgil.plate("columns", 3):
        beta = virgil.sample("beta", dist.Laplace(0.0, 0.5))
    with virgil.plate("rows", x.shape[0]):
        virgil.sample("y", dist.Normal(x @ beta, 0.7), obs=y)


def lasso_answer(x, y, beta):
    prior = stats.laplace.logpdf(beta, 0, 0.5).sum()
    return Answer(prior + stats.norm.logpdf(y, x @ beta, 0.7).sum(), {"y": (x @ beta, 0.7)})


def horseshoe(x, y=None):
    tau = virgil.sample("tau", dist.HalfCauchy(1.0))
    with virgil.plate("columns", x.shape[1], dim=-2):
        lam = virgil.sample("lam", dist.HalfCauchy(1.0))
        beta = virgil.sample("beta", dist.Normal(0.0, tau * lam))
    mean = (beta * x.T).sum(-2)
    with virgil.plate("rows", x.shape[0], dim=-1):
        virgil.sample("y", dist.Normal(mean, 0.7), obs=y)


def horseshoe_answer(x, y, tau, lam, beta):
    prior = stats.halfcauchy.logpdf(tau) + stats.halfcauchy.logpdf(lam).sum()
    prior += stats.norm.logpdf(beta, 0, tau * lam).sum()
    mean = x @ beta[:, 0]
    return Answer(prior + stats.norm.logpdf(y, mean, 0.7).sum(), {"y": (mean, 0.7)})


def logistic(x, y=None):
    w = virgil.sample("w", dist.Normal(torch.zeros(3), torch.ones(3)).to_event(1))
    b = virgil.sample("b", dist.Cauchy(0.0, 2.5))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Bernoulli(logits=x @ w + b), obs=y)


def logistic_answer(x, y, w, b):
    p = special.expit(x @ w + b)
    prior = stats.norm.logpdf(w).sum() + stats.cauchy.logpdf(b, 0, 2.5)
    return Answer(prior + stats.bernoulli.logpmf(y, p).sum(), {"y": (p, np.sqrt(p * (1 - p)))})


def probit(x, y=None):
    w = virgil.sample("w", dist.MultivariateNormal(torch.zeros(3), 2 * torch.eye(3)))
    link = dist.Normal(0.0, 1.0).cdf(x @ w)
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Bernoulli(probs=link), obs=y)


def probit_answer(x, y, w):
    p = stats.norm.cdf(x @ w)
    prior = stats.multivariate_normal.logpdf(w, np.zeros(3), 2 * np.eye(3))
    return Answer(prior + stats.bernoulli.logpmf(y, p).sum(), {"y": (p, np.sqrt(p * (1 - p)))})


def softmax(x, y=None):
    w = virgil.sample("w", dist.Normal(0.0, 1.0).expand([3, 3]).to_event(2))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Categorical(logits=x @ w), obs=y)


def softmax_answer(x, y, w):
    log_p = special.log_softmax(x @ w, -1)
    p = np.exp(log_p)
    mean = p @ np.arange(3)
    sd = np.sqrt(p @ np.arange(3) ** 2 - mean**2)
    return Answer(stats.norm.logpdf(w).sum() + log_p[np.arange(len(y)), y].sum(), {"y": (mean, sd)})


def quantile(x, y=None):
    """A median line by asymmetric absolute errors, stated as a factor."""
    a = virgil.sample("a", dist.Normal(0.0, 2.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    error = (_y if y is None else y) - a - b * x
    virgil.factor("check", -torch.max(0.9 * error, -0.1 * error).sum(-1))


def quantile_answer(x, y, a, b):
    error = y - a - b * x
    prior = stats.norm.logpdf(a, 0, 2) + stats.norm.logpdf(b)
    return Answer(prior - np.maximum(0.9 * error, -0.1 * error).sum())


def changing_spread(x, y=None):
    """A spread that depends on the covariate."""
    with virgil.plate("coefficients", 4):
        c = virgil.sample("c", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", len(x)):
        mean = virgil.deterministic("mean", c[0] + c[1] * x)
        virgil.sample("y", dist.Normal(mean, (c[2] + c[3] * x).exp()), obs=y)


def changing_spread_answer(x, y, c):
    mean, sd = c[0] + c[1] * x, np.exp(c[2] + c[3] * x)
    return Answer(stats.norm.logpdf(c).sum() + stats.norm.logpdf(y, mean, sd).sum(), {"y": (mean, sd)})


def multivariate(x, y=None):
    """Two responses with a correlation of their own."""
    with virgil.plate("responses", 2):
        b = virgil.sample("b", dist.Normal(0.0, 1.0))
    factor = virgil.sample("factor", dist.LKJCholesky(2, 2.0))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.MultivariateNormal(x.unsqueeze(-1) * b, scale_tril=factor), obs=y)


def multivariate_answer(x, y, b, factor):
    r = factor[1, 0]
    # det(R)**(eta - 1) on (-1, 1) is a beta density stretched; from R's entry to L's the derivative is one
    prior = stats.norm.logpdf(b).sum() + stats.beta.logpdf((r + 1) / 2, 2, 2) - np.log(2)
    mean, cov = x[:, None] * b, factor @ factor.T
    lines = sum(stats.multivariate_normal.logpdf(row, m, cov) for row, m in zip(y, mean, strict=True))
    return Answer(prior + lines, {"y": (mean, 1.0)})


class Line(PyroModule):
    """A line as a module with random parameters."""

    def __init__(self):
        super().__init__()
        self.linear = PyroModule[nn.Linear](3, 1)
        self.linear.weight = PyroSample(dist.Normal(0.0, 1.0).expand([1, 3]).to_event(2))
        self.linear.bias = PyroSample(dist.Normal(0.0, 5.0).expand([1]).to_event(1))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        mean = self.linear(x).squeeze(-1)
        with virgil.plate("rows", x.shape[0]):
            virgil.sample("y", dist.Normal(mean, 0.5), obs=y)
        return mean


def module_answer(x, y, **point):
    weight, bias = point["linear.weight"], point["linear.bias"]
    mean = x @ weight[0] + bias
    prior = stats.norm.logpdf(weight).sum() + stats.norm.logpdf(bias, 0, 5).sum()
    return Answer(prior + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


def beta_regression(x, y=None):
    a, b = virgil.sample("a", dist.Normal(0.0, 1.0)), virgil.sample("b", dist.Normal(0.0, 1.0))
    phi = virgil.sample("phi", dist.Gamma(4.0, 0.5))
    mean = torch.sigmoid(a + b * x)
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Beta(mean * phi, (1 - mean) * phi), obs=y)


def beta_regression_answer(x, y, a, b, phi):
    mean = special.expit(a + b * x)
    prior = stats.norm.logpdf([a, b]).sum() + stats.gamma.logpdf(phi, 4, scale=2)
    moments = mean, np.sqrt(mean * (1 - mean) / (phi + 1))
    return Answer(prior + stats.beta.logpdf(y, mean * phi, (1 - mean) * phi).sum(), {"y": moments})


PROGRAMS = {
    "a line": Program(line, {"a": 0.3, "b": 1.1, "sigma": 0.5}, line_answer, (_x,), {"y": _y}),
    "a table and a vector": Program(
        table_line, {"beta": [0.4, -0.2, 0.1], "sigma": 0.6}, table_line_answer, (_table,), {"y": _y}
    ),
    "a vector's entries": Program(indexed_line, {"w": [0.4, 0.9]}, indexed_line_answer, (_x,), {"y": _y}),
    "intercepts by group": Program(
        intercepts, {"b": 1.0, "a": [0.2, 0.5, 0.9]}, intercepts_answer, (_x, _group), {"y": _y}
    ),
    "robust": Program(robust, {"a": 0.5, "b": 1.0, "nu": 6.0}, robust_answer, (_x,), {"y": _y}),
    "lasso": Program(lasso, {"beta": [0.8, 0.1, -0.1]}, lasso_answer, (_table,), {"y": _y}),
    "horseshoe": Program(
        horseshoe,
        {"tau": 0.5, "lam": [[0.8], [0.3], [1.4]], "beta": [[0.9], [-0.1], [0.2]]},
        horseshoe_answer,
        (_table,),
        {"y": _y},
    ),
    "logistic": Program(logistic, {"w": [0.5, -0.3, 0.2], "b": -0.4}, logistic_answer, (_table,), {"y": _binary}),
    "probit": Program(probit, {"w": [0.5, -0.3, 0.2]}, probit_answer, (_table,), {"y": _binary}),
    "softmax": Program(
        softmax,
        {"w": [[0.5, -0.3, 0.2], [0.1, 0.0, -0.8], [0.4, 0.3, -0.2]]},
        softmax_answer,
        (_table,),
        {"y": _classes},
    ),
    "a quantile": Program(quantile, {"a": 0.5, "b": 1.0}, quantile_answer, (_x,), {"y": _y}),
    "a changing spread": Program(
        changing_spread, {"c": [0.4, 1.0, -1.0, 0.2]}, changing_spread_answer, (_x,), {"y": _y}
    ),
    "two responses": Program(
        multivariate,
        {"b": [1.0, -0.5], "factor": [[1.0, 0.0], [0.6, 0.8]]},
        multivariate_answer,
        (_x,),
        {"y": torch.stack([_y, _noise - 0.4 * _x], 1)},
    ),
    "a module": Program(
        Line(), {"linear.weight": [[0.4, -0.2, 0.1]], "linear.bias": [0.5]}, module_answer, (_table,), {"y": _y}
    ),
    "proportions": Program(
        beta_regression, {"a": 0.2, "b": 0.7, "phi": 9.0}, beta_regression_answer, (_x,), {"y": torch.sigmoid(_y)}
    ),
}
