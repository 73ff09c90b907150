"""Log-densities of all families in arbitrary precision, and the edges of their parameters.

A formula takes the value and the parameters as numbers of mpmath, in the order of the grid's names. Sets of values are
crossed; those of which the density is zero or beyond a float32 are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import torch
from torch import Tensor

import virgil.distributions as dist

mp.mp.dps = 80


@dataclass(frozen=True, eq=False)
class Edge:
    """One family: how to make it, its log-density, and values at the edges.

    Attributes:
        make: the distribution from its parameters.
        log_prob: the exact log-density from value and parameters.
        grid: values of each parameter, by name, and of ``x``, the value; or a function of the parameters for ``x``.
    """

    make: Callable[..., Any]
    log_prob: Callable[..., Any]
    grid: dict[str, Any]

    def ours(self, x: Tensor, **params: Tensor) -> Tensor:
        return self.make(**params).log_prob(x)

    def exact(self, x: Any, **params: Any) -> Any:
        return self.log_prob(x, *params.values())

    def cases(self) -> Iterator[dict[str, float]]:
        names = [name for name in self.grid if name != "x"]
        for params in itertools.product(*(self.grid[name] for name in names)):
            values = self.grid["x"](*params) if callable(self.grid["x"]) else self.grid["x"]
            for x in values:
                yield {"x": x, **dict(zip(names, params, strict=True))}


@dataclass(frozen=True, eq=False)
class Divergence:
    """A divergence in closed form: of two distributions, which take the numbers in turn, first those of the first."""

    make: Callable[..., Any]
    exact_of: Callable[..., Any]
    first: tuple[tuple[float, ...], ...]
    second: tuple[tuple[float, ...], ...]

    def ours(self, **params: Tensor) -> Tensor:
        numbers = list(params.values())
        half = len(numbers) // 2
        return dist.kl_divergence(self.make(*numbers[:half]), self.make(*numbers[half:]))

    def exact(self, **params: Any) -> Any:
        return self.exact_of(*params.values())

    def cases(self) -> Iterator[dict[str, float]]:
        for numbers in itertools.product(*self.first, *self.second):
            half = len(numbers) // 2
            yield {f"{'pq'[place >= half]}{place % half}": number for place, number in enumerate(numbers)}


@dataclass(frozen=True, eq=False)
class Cross:
    """A divergence between two families, as a function of some numbers."""

    value: Callable[..., Tensor]
    exact_of: Callable[..., Any]
    grids: tuple[tuple[float, ...], ...]

    def ours(self, **params: Tensor) -> Tensor:
        return self.value(*params.values())

    def exact(self, **params: Any) -> Any:
        return self.exact_of(*params.values())

    def cases(self) -> Iterator[dict[str, float]]:
        for numbers in itertools.product(*self.grids):
            yield {f"p{place}": number for place, number in enumerate(numbers)}


class Pair:
    """A family of vectors of two numbers with a fixed sum, as one of the first of them."""

    def __init__(self, fn: Any, total: float) -> None:
        self.fn, self.total = fn, total

    def log_prob(self, x: Tensor) -> Tensor:
        return self.fn.log_prob(torch.stack([x, self.total - x], -1))


POSITIVE = (1e-20, 1e-6, 1e-3, 1.0, 30.0, 1e4, 1e6, 1e12)
SHAPES = (1e-6, 1e-3, 0.5, 1.0, 3.0, 1e3, 1e6)
LOCS = (-1e6, 0.0, 30.0)
SCALES = (1e-12, 1e-3, 1.0, 1e6)
LOGITS = (-1e4, -200.0, -50.0, -20.0, -1.0, 0.0, 1e-4, 5.0, 20.0, 50.0, 200.0, 1e4)
PROBS = (1e-30, 1e-10, 1e-4, 0.3, 0.5, 0.9999)
COUNTS = (0, 1, 7, 1000, 10**6)
UNIT = (1e-30, 1e-10, 1e-4, 0.3, 0.5, 0.99, 0.9999)


def around(*centre_and_spread: float) -> tuple[float, ...]:
    centre, spread = centre_and_spread
    return tuple(centre + z * spread for z in (-30.0, -2.0, 0.0, 1.0, 1e-3, 8.0))


def near_mean(mean: float, sd: float) -> tuple[float, ...]:
    return tuple(x for x in (mean, mean + sd, mean - sd, mean / 10, mean * 3) if x > 0)


def counts_near(mean: float, sd: float) -> tuple[float, ...]:
    return tuple({float(max(0, round(x))) for x in (0.0, 1.0, mean, mean + sd, mean - 2 * sd) if x < 2**24})


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 50 else x + mp.log1p(mp.exp(-x))


def choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def _normal(x, m, s):
    return -(((x - m) / s) ** 2) / 2 - mp.log(s) - mp.log(2 * mp.pi) / 2


def _cont_bernoulli(x, logit):
    # normaliser: 2 atanh(1 - 2p) / (1 - 2p), which is logit / tanh(logit / 2)
    norm = mp.log(logit / mp.tanh(logit / 2)) if abs(logit) > mp.mpf(10) ** -15 else mp.log(2)
    return norm - x * softplus(-logit) - (1 - x) * softplus(logit)


def _gen_pareto(x, m, s, c):
    z = (x - m) / s
    if c == 0:
        return -z - mp.log(s)
    return -(1 + 1 / c) * mp.log1p(c * z) - mp.log(s) if 1 + c * z > 0 else -mp.inf


def _student(x, df, m, s):
    z = (x - m) / s
    return -(df + 1) / 2 * mp.log1p(z * z / df) - log_beta(mp.mpf(1) / 2, df / 2) - mp.log(df) / 2 - mp.log(s)


def _fisher(x, a, b):
    return a / 2 * mp.log(a / b) + (a / 2 - 1) * mp.log(x) - (a + b) / 2 * mp.log1p(a * x / b) - log_beta(a / 2, b / 2)


def _relaxed(x, t, logit):
    y = mp.log(x) - mp.log1p(-x)
    d = abs(logit - t * y)
    return mp.log(t) - d - 2 * mp.log1p(mp.exp(-d)) - mp.log(x) - mp.log1p(-x)


def _logit(p):
    return mp.log(p) - mp.log1p(-p)


def _logs(count, log):
    return count * log if count else mp.mpf(0)


def _binomial(k, n, logit):
    return choose(n, k) - _logs(k, softplus(-logit)) - _logs(n - k, softplus(logit))


def _negative(k, r, logit):
    ways = mp.loggamma(k + r) - mp.loggamma(r) - mp.loggamma(k + 1) if k else mp.mpf(0)
    return ways - r * softplus(logit) - _logs(k, softplus(-logit))


def _gamma(x, a, rate):
    return a * mp.log(rate) + (a - 1) * mp.log(x) - rate * x - mp.loggamma(a)


EDGES = {
    "Beta": Edge(
        dist.Beta,
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b),
        {"concentration1": SHAPES, "concentration0": SHAPES, "x": UNIT},
    ),
    "Cauchy": Edge(
        dist.Cauchy,
        lambda x, m, s: -mp.log(mp.pi * s) - mp.log1p(((x - m) / s) ** 2),
        {"loc": (0.0, 30.0), "scale": (1e-20, *SCALES, 1e20), "x": (0.0, 1e-6, 30.5, -1e10, 1e25)},
    ),
    "Chi2": Edge(
        dist.Chi2,
        lambda x, df: _gamma(x, df / 2, mp.mpf(1) / 2),
        {"df": SHAPES, "x": lambda df: (1e-20, 1e-3, 1.0, *near_mean(df, (2 * df) ** 0.5))},
    ),
    "ContinuousBernoulli": Edge(
        lambda logits: dist.ContinuousBernoulli(logits=logits),
        _cont_bernoulli,
        {"logits": (-80.0, -20.0, -3.0, -0.1, -1e-3, 0.0, 1e-6, 0.02, 0.3, 12.0, 50.0), "x": (0.0, 1e-10, 0.3, 1.0)},
    ),
    "ContinuousBernoulli(probs)": Edge(
        dist.ContinuousBernoulli,
        lambda x, p: _cont_bernoulli(x, _logit(p)),
        {"probs": (1e-10, 1e-4, 0.3, 0.498, 0.5, 0.5001, 0.9999), "x": (0.0, 1e-10, 0.3, 1.0)},
    ),
    "Exponential": Edge(
        dist.Exponential, lambda x, rate: mp.log(rate) - rate * x, {"rate": POSITIVE, "x": lambda r: (0.0, 1 / r, 1.0)}
    ),
    "FisherSnedecor": Edge(
        dist.FisherSnedecor,
        _fisher,
        {"df1": (1e-3, 0.5, 3.0, 1e3, 1e6), "df2": (1e-3, 0.5, 3.0, 1e3, 1e6), "x": (1e-20, 1e-3, 1.0, 1.01, 1e6)},
    ),
    "FoldedDistribution": Edge(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        lambda x, m, s: mp.log(mp.exp(_normal(x, m, s)) + mp.exp(_normal(-x, m, s))),
        {"loc": (-1e3, 0.0, 0.01), "scale": (1e-3, 1.0, 1e3), "x": (0.0, 1e-6, 1.0, 1e3)},
    ),
    "Gamma": Edge(
        dist.Gamma,
        _gamma,
        {
            "concentration": SHAPES,
            "rate": (1e-6, 1.0, 1e6),
            "x": lambda a, r: (1e-20, 1.0, *near_mean(a / r, a**0.5 / r)),
        },
    ),
    "GeneralizedPareto": Edge(
        dist.GeneralizedPareto,
        _gen_pareto,
        {
            "loc": (0.0,),
            "scale": (1e-3, 1.0, 1e6),
            "concentration": (-0.3, -1e-4, -1e-7, 0.0, 1e-12, 1e-9, 1e-7, 1e-3, 1.0, 1e3),
            "x": lambda m, s, c: (0.0, 1e-6 * s, s, 2 * s),
        },
    ),
    "Gumbel": Edge(
        dist.Gumbel,
        lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s),
        {"loc": (0.0, 30.0), "scale": SCALES, "x": lambda m, s: (m, m + s, m - 3 * s, m + 200 * s, m + 1e-3 * s)},
    ),
    "HalfCauchy": Edge(
        dist.HalfCauchy,
        lambda x, s: mp.log(2) - mp.log(mp.pi * s) - mp.log1p((x / s) ** 2),
        {"scale": (1e-20, *SCALES, 1e20), "x": (0.0, 1e-6, 1.0, 1e10, 1e25)},
    ),
    "HalfNormal": Edge(
        dist.HalfNormal, lambda x, s: _normal(x, 0, s) + mp.log(2), {"scale": SCALES, "x": lambda s: (0.0, s, 30 * s)}
    ),
    "InverseGamma": Edge(
        dist.InverseGamma,
        lambda x, a, rate: a * mp.log(rate) - (a + 1) * mp.log(x) - rate / x - mp.loggamma(a),
        {
            "concentration": SHAPES,
            "rate": (1e-6, 1.0, 1e6),
            "x": lambda a, r: (1.0, 1e6, *near_mean(r / (a + 1), r / (a + 1) / (a + 1) ** 0.5)),
        },
    ),
    "Kumaraswamy": Edge(
        dist.Kumaraswamy,
        lambda x, a, b: mp.log(a) + mp.log(b) + (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-(x**a)),
        {"concentration1": (1e-3, 0.5, 3.0, 100.0), "concentration0": (1e-3, 0.5, 3.0, 1e3), "x": UNIT},
    ),
    "Laplace": Edge(
        dist.Laplace,
        lambda x, m, s: -abs(x - m) / s - mp.log(2 * s),
        {"loc": LOCS, "scale": SCALES, "x": lambda m, s: (m + s, m + 2.0, m - 30 * s)},
    ),
    "LogNormal": Edge(
        dist.LogNormal,
        lambda x, m, s: _normal(mp.log(x), m, s) - mp.log(x),
        {"loc": (-50.0, 0.0, 30.0), "scale": (1e-3, 1.0, 1e3), "x": (1e-30, 1e-3, 1.0, 1e10, 1e30)},
    ),
    "Normal": Edge(dist.Normal, _normal, {"loc": LOCS, "scale": SCALES, "x": lambda m, s: around(m, s)}),
    "Pareto": Edge(
        dist.Pareto,
        lambda x, s, a: mp.log(a) + a * mp.log(s) - (a + 1) * mp.log(x),
        {"scale": (1e-6, 1.0, 1e6), "alpha": (1e-6, 1.0, 1e3, 1e6), "x": lambda s, a: (s, s * (1 + 1 / a), s * 3)},
    ),
    "RelaxedBernoulli": Edge(
        lambda temperature, logits: dist.RelaxedBernoulli(temperature, logits=logits),
        _relaxed,
        {"temperature": (0.01, 0.5, 10.0), "logits": (-100.0, -5.0, 0.0, 30.0), "x": UNIT},
    ),
    "StudentT": Edge(
        dist.StudentT,
        _student,
        {
            "df": (1e-3, 0.5, 3.0, 1e3, 1e6, 1e10),
            "loc": (0.0,),
            "scale": (1e-6, 1.0, 1e6),
            "x": lambda d, m, s: (0.0, s, 30 * s, 1e10 * s, 1e-3 * s),
        },
    ),
    "Uniform": Edge(
        dist.Uniform, lambda x, a, b: -mp.log(b - a), {"low": (-1e6, 0.0), "high": (1e-6, 1.0, 1e20), "x": (0.0,)}
    ),
    "VonMises": Edge(
        dist.VonMises,
        lambda x, m, k: k * mp.cos(x - m) - mp.log(2 * mp.pi * mp.besseli(0, k)),
        {
            "loc": (0.0, 1.0),
            "concentration": (1e-10, 1e-3, 1.0, 30.0, 1e3, 1e6),
            "x": lambda m, k: (m, m + k**-0.5 if k > 1 else m + 1.0, m + 1e-3),
        },
    ),
    "Weibull": Edge(
        dist.Weibull,
        lambda x, s, c: mp.log(c / s) + (c - 1) * mp.log(x / s) - (x / s) ** c,
        {
            "scale": (1e-6, 1.0, 1e6),
            "concentration": (1e-3, 0.5, 3.0, 100.0),
            "x": lambda s, c: (1e-12 * s, s, s * 1.01, 1.3 * s),
        },
    ),
    "Bernoulli": Edge(
        dist.Bernoulli, lambda x, p: _logs(x, mp.log(p)) + _logs(1 - x, mp.log1p(-p)), {"probs": PROBS, "x": (0.0, 1.0)}
    ),
    "Bernoulli(logits)": Edge(
        lambda logits: dist.Bernoulli(logits=logits),
        lambda x, logit: -_logs(x, softplus(-logit)) - _logs(1 - x, softplus(logit)),
        {"logits": LOGITS, "x": (0.0, 1.0)},
    ),
    "BetaBinomial": Edge(
        dist.BetaBinomial,
        lambda k, a, b, n: choose(n, k) + log_beta(k + a, n - k + b) - log_beta(a, b),
        {
            "concentration1": (1e-3, 1.0, 1e3, 1e6),
            "concentration0": (1e-3, 1.0, 1e6),
            "total_count": (1.0, 10.0, 1e6),
            "x": lambda a, b, n: {0.0, 1.0, float(round(n * a / (a + b))), n},
        },
    ),
    "Binomial": Edge(
        lambda total_count, probs: dist.Binomial(total_count, probs),
        lambda k, n, p: _binomial(k, n, _logit(p)),
        {"total_count": (1.0, 10.0, 1e6), "probs": PROBS, "x": lambda n, p: {0.0, 1.0, float(round(n * p)), n}},
    ),
    "Binomial(logits)": Edge(
        lambda total_count, logits: dist.Binomial(total_count, logits=logits),
        _binomial,
        {"total_count": (1.0, 10.0, 1e6), "logits": LOGITS, "x": lambda n, p: {0.0, 1.0, float(round(n / 3)), n}},
    ),
    "GammaPoisson": Edge(
        dist.GammaPoisson,
        lambda k, a, rate: _negative(k, a, -mp.log(rate)),
        {
            "concentration": (1e-3, 1.0, 1e3, 1e6, 1e10),
            "rate": (1e-6, 1e-3, 1.0, 1e6),
            "x": lambda a, r: counts_near(a / r, (a / r**2 * (1 + r)) ** 0.5),
        },
    ),
    "Geometric": Edge(
        dist.Geometric,
        lambda k, p: mp.log(p) + _logs(k, mp.log1p(-p)),
        {"probs": PROBS, "x": (0.0, 1.0, 1e6)},
    ),
    "Geometric(logits)": Edge(
        lambda logits: dist.Geometric(logits=logits),
        lambda k, logit: -softplus(-logit) - _logs(k, softplus(logit)),
        {"logits": LOGITS, "x": (0.0, 1.0, 1e6)},
    ),
    "NegativeBinomial": Edge(
        lambda total_count, logits: dist.NegativeBinomial(total_count, logits=logits),
        _negative,
        {
            "total_count": (1e-3, 1.0, 1e3, 1e6, 1e10),
            "logits": (-30.0, -5.0, 0.0, 10.0, 60.0),
            "x": lambda r, logit: counts_near(r * float(mp.exp(logit)), (r * float(mp.exp(logit))) ** 0.5),
        },
    ),
    "NegativeBinomial(probs)": Edge(
        lambda total_count, probs: dist.NegativeBinomial(total_count, probs),
        lambda k, r, p: _negative(k, r, _logit(p)),
        {"total_count": (1e-3, 1.0, 1e6), "probs": PROBS, "x": (0.0, 1.0, 1000.0)},
    ),
    "Poisson": Edge(
        dist.Poisson,
        lambda k, rate: _logs(k, mp.log(rate)) - rate - mp.loggamma(k + 1),
        {"rate": (1e-30, 1e-3, 1.0, 1e3, 1e6, 1e7), "x": lambda r: counts_near(r, r**0.5)},
    ),
    "Dirichlet": Edge(
        lambda a, b: Pair(dist.Dirichlet(torch.stack([a, b])), 1.0),
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta(a, b),
        {"a": SHAPES, "b": SHAPES, "x": (2.0**-20, 0.25, 0.5)},
    ),
    "Multinomial": Edge(
        lambda a, b: Pair(dist.Multinomial(2**20, torch.stack([a, b])), 2.0**20),
        lambda k, a, b: _binomial(k, mp.mpf(2) ** 20, mp.log(a) - mp.log(b)),
        {"a": (1e-6, 0.2, 1.0), "b": (0.1, 3.0), "x": (0.0, 1.0, 2.0**18, 2.0**20)},
    ),
    "Multinomial(logits)": Edge(
        lambda a, b: Pair(dist.Multinomial(2**10, logits=torch.stack([a, b])), 2.0**10),
        lambda k, a, b: _binomial(k, mp.mpf(2) ** 10, a - b),
        {"a": (-200.0, 0.5), "b": (0.0, 1.0), "x": (0.0, 1.0, 2.0**8, 2.0**10)},
    ),
    "Categorical": Edge(
        lambda a, b: Pair(dist.OneHotCategorical(torch.stack([a, b])), 1.0),
        lambda x, a, b: mp.log(a if x else b) - mp.log(a + b),
        {"a": (1e-30, 1e-10, 0.2, 1.0), "b": (0.1, 3.0), "x": (0.0, 1.0)},
    ),
    "RelaxedOneHotCategorical": Edge(
        lambda t, a: Pair(dist.RelaxedOneHotCategorical(t, logits=torch.stack([a, torch.zeros(())])), 1.0),
        lambda x, t, a: _relaxed(x, t, a),
        {"t": (0.01, 0.5, 10.0), "a": (-60.0, -5.0, 0.0, 30.0), "x": (2.0**-20, 0.25, 0.5)},
    ),
}


def _kl_bernoulli(p, q):
    return p * (mp.log(p) - mp.log(q)) + (1 - p) * (mp.log1p(-p) - mp.log1p(-q))


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def _kl_gamma(a, r, c, s):
    shapes = mp.loggamma(c) - mp.loggamma(a) + (a - c) * mp.digamma(a)
    return shapes + c * (mp.log(r) - mp.log(s)) + (s - r) * a / r


def _kl_beta(a, b, c, d):
    both = (c - a + d - b) * mp.digamma(a + b)
    return log_beta(c, d) - log_beta(a, b) + (a - c) * mp.digamma(a) + (b - d) * mp.digamma(b) + both


def _kl_normal(m, s, n, t):
    return mp.log(t) - mp.log(s) + (s * s + (m - n) ** 2) / (2 * t * t) - mp.mpf(1) / 2


def _cont_bernoulli_mean(logit):
    return 1 / (1 - mp.exp(-logit)) - 1 / logit if logit else mp.mpf(1) / 2


def _kl_cont_bernoulli(p, q):
    return _cont_bernoulli_mean(p) * (p - q) + _cont_bernoulli(0, p) - _cont_bernoulli(0, q)


def _kl_gumbel(m, s, n, t):
    ratio = s / t
    far = mp.exp((n - m) / t) * mp.gamma(1 + ratio)
    return -mp.log(ratio) + (m - n) / t + ratio * mp.euler + far - 1 - mp.euler


def _pair(first, second):
    return torch.stack([torch.as_tensor(first), torch.as_tensor(second)], -1)


BIG = (1e-3, 0.5, 3.0, 1e3, 1e6)
WIDE = (1e-22, 1e-6, 1.0, 1.001, 1e6)

DIVERGENCES = {
    "Bernoulli": Divergence(dist.Bernoulli, _kl_bernoulli, (PROBS,), (PROBS,)),
    "Bernoulli(logits)": Divergence(
        lambda x: dist.Bernoulli(logits=x), lambda x, y: _kl_bernoulli(_sigmoid(x), _sigmoid(y)), (LOGITS,), (LOGITS,)
    ),
    "Beta": Divergence(dist.Beta, _kl_beta, (BIG, BIG), (BIG, BIG)),
    "Binomial": Divergence(
        lambda p: dist.Binomial(1000, p), lambda p, q: 1000 * _kl_bernoulli(p, q), (PROBS,), (PROBS,)
    ),
    "Categorical": Divergence(
        lambda x: dist.Categorical(logits=_pair(x, 0.0)),
        lambda x, y: _kl_bernoulli(_sigmoid(x), _sigmoid(y)),
        (LOGITS,),
        (LOGITS,),
    ),
    "Cauchy": Divergence(
        dist.Cauchy,
        lambda m, s, n, t: mp.log(((s + t) ** 2 + (m - n) ** 2) / (4 * s * t)),
        ((0.0, 1e10), (1e-20, 1.0, 1e20)),
        ((0.0, 1.0), (1e-20, 1.0, 1e20)),
    ),
    "ContinuousBernoulli": Divergence(
        lambda x: dist.ContinuousBernoulli(logits=x),
        _kl_cont_bernoulli,
        ((-80.0, -3.0, -1e-3, 0.0, 1e-6, 0.02, 12.0, 50.0),),
        ((-80.0, -3.0, 1e-3, 0.5, 50.0),),
    ),
    "Dirichlet": Divergence(lambda a, b: dist.Dirichlet(_pair(a, b)), _kl_beta, (BIG, BIG), (BIG, BIG)),
    "Exponential": Divergence(
        dist.Exponential, lambda r, s: mp.log(r) - mp.log(s) + s / r - 1, (POSITIVE,), (POSITIVE,)
    ),
    "Gamma": Divergence(dist.Gamma, _kl_gamma, (BIG, (1e-6, 1.0, 1e6)), (BIG, (1e-6, 1.0, 1.001, 1e6))),
    "Geometric": Divergence(dist.Geometric, lambda p, q: _kl_bernoulli(p, q) / p, (PROBS,), (PROBS,)),
    "Gumbel": Divergence(dist.Gumbel, _kl_gumbel, ((0.0, 30.0), (1e-6, 1.0, 10.0)), ((0.0, 29.0), (1.0, 10.0, 1e6))),
    "HalfNormal": Divergence(dist.HalfNormal, lambda s, t: _kl_normal(0, s, 0, t), (WIDE,), (WIDE,)),
    "InverseGamma": Divergence(dist.InverseGamma, _kl_gamma, (BIG, (1e-6, 1.0)), (BIG, (1.0, 1.001, 1e6))),
    "Laplace": Divergence(
        dist.Laplace,
        lambda m, s, n, t: mp.log(t) - mp.log(s) + (abs(m - n) + s * mp.exp(-abs(m - n) / s)) / t - 1,
        ((0.0, 30.0), WIDE),
        ((1.0, -1e6), WIDE),
    ),
    "LogNormal": Divergence(dist.LogNormal, _kl_normal, ((0.0, 30.0), (1e-6, 1.0)), ((1.0,), (1.0, 1e6))),
    "Normal": Divergence(dist.Normal, _kl_normal, ((0.0, 30.0), WIDE), ((1.0, -1e6), WIDE)),
    "Pareto": Divergence(
        dist.Pareto,
        lambda s, a, t, b: mp.log(a) - mp.log(b) + b * (mp.log(s) - mp.log(t)) + b / a - 1 if s >= t else mp.inf,
        ((1.0, 1e6), (1e-3, 1.0, 1e6)),
        ((1e-6, 0.999), (1e-3, 1.0, 1e6)),
    ),
    "Poisson": Divergence(
        dist.Poisson,
        lambda r, s: r * (mp.log(r) - mp.log(s)) - r + s,
        ((1e-30, 1e-3, 1.0, 1e6),),
        ((1e-30, 1e-3, 1.0, 1e6, 1.001e6),),
    ),
    "ContinuousBernoulli, Uniform": Cross(
        lambda x, a, b: dist.kl_divergence(dist.ContinuousBernoulli(logits=x), dist.Uniform(a, b)),
        lambda x, a, b: mp.log(b - a) + _cont_bernoulli_mean(x) * x + _cont_bernoulli(0, x),
        ((-50.0, -1e-3, 0.0, 0.02, 12.0), (-1.0, 0.0), (1.0, 1e6)),
    ),
    "Uniform, ContinuousBernoulli": Cross(
        lambda a, b, x: dist.kl_divergence(dist.Uniform(a, b), dist.ContinuousBernoulli(logits=x)),
        lambda a, b, x: -mp.log(b - a) - x * (a + b) / 2 - _cont_bernoulli(0, x),
        ((0.0, 1e-20, 0.25), (0.5, 1.0), (-50.0, -1e-3, 0.0, 0.02, 12.0)),
    ),
    "Gamma, Exponential": Cross(
        lambda a, r, s: dist.kl_divergence(dist.Gamma(a, r), dist.Exponential(s)),
        lambda a, r, s: _kl_gamma(a, r, mp.mpf(1), s),
        (BIG, (1e-3, 1.0, 1e3), (1e-3, 1.0)),
    ),
    "Beta, Uniform": Cross(
        lambda a, b: dist.kl_divergence(dist.Beta(a, b), dist.Uniform(torch.zeros(()), 1.0)),
        lambda a, b: _kl_beta(a, b, mp.mpf(1), mp.mpf(1)),
        (BIG, BIG),
    ),
    "Uniform": Divergence(
        dist.Uniform,
        lambda a, b, c, d: mp.log(d - c) - mp.log(b - a),
        ((0.0,), (1e-20, 1.0)),
        ((-1e6, 0.0), (1.0, 1e20)),
    ),
}
