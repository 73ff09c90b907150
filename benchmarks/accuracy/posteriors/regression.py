"""Regressions: linear, logistic and of counts, scaled and unscaled; robust, ordinal, censored."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.accuracy.posteriors.posterior import Posterior

Table = NDArray[np.float64]


def _predictors(random: np.random.Generator, rows: int, columns: int) -> Table:
    """Standard normal columns, neighbours correlated by 0.6."""
    x: Table = random.normal(size=(rows, columns))
    for column in range(1, columns):
        x[:, column] = 0.6 * x[:, column - 1] + 0.8 * x[:, column]
    return x


def _as_they_come(x: Table) -> Table:
    """The same columns in other units: a year, an amount of money, a share."""
    units, origins = np.array([8.0, 900.0, 0.05]), np.array([1990.0, 3000.0, 0.4])
    scaled: Table = x * units[: x.shape[1]] + origins[: x.shape[1]]
    return scaled


def _tensors(*arrays: NDArray[Any]) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(array, dtype=torch.float32) for array in arrays)


def linear(x: Tensor, y: Tensor) -> None:
    """Linear regression on scaled predictors."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 5.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 2.5).expand([x.shape[1]]).to_event(1))
    scale = virgil.sample("scale", dist.HalfNormal(5.0))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(intercept + (x * slopes).sum(-1), scale), obs=y)


def _linear_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(11)
    x = _predictors(random, 80, 4)
    return _tensors(x, 1.0 + x @ np.array([1.0, -0.5, 0.0, 2.0]) + 1.3 * random.normal(size=80))


def linear_unscaled(x: Tensor, y: Tensor) -> None:
    """Linear regression on predictors as they come, priors as wide as these need."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 1000.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 100.0).expand([x.shape[1]]).to_event(1))
    scale = virgil.sample("scale", dist.HalfNormal(50.0))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(intercept + (x * slopes).sum(-1), scale), obs=y)


def _linear_unscaled_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(12)
    x = _predictors(random, 80, 3)
    return _tensors(_as_they_come(x), 40.0 + x @ np.array([6.0, -4.0, 3.0]) + 8.0 * random.normal(size=80))


def logistic(x: Tensor, y: Tensor) -> None:
    """Logistic regression."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 3.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 2.0).expand([x.shape[1]]).to_event(1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Bernoulli(logits=intercept + (x * slopes).sum(-1)), obs=y)


def _logistic_data() -> tuple[Tensor, ...]:
    """Malignant or not, by five measures of 569 tumours (Street, Wolberg and Mangasarian 1993), scaled."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 of the extra 'data'

    table = load_breast_cancer()
    x = table.data[:, [0, 1, 4, 6, 9]]
    return _tensors((x - x.mean(0)) / x.std(0), 1.0 - table.target)


def logistic_unscaled(x: Tensor, y: Tensor) -> None:
    """Logistic regression on a year and an amount of money as they come."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 300.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 1.0).expand([x.shape[1]]).to_event(1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Bernoulli(logits=intercept + (x * slopes).sum(-1)), obs=y)


def _logistic_unscaled_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(13)
    x = _predictors(random, 150, 2)
    chance = 1 / (1 + np.exp(-(0.3 + x @ np.array([0.9, -1.2]))))
    return _tensors(_as_they_come(x), random.binomial(1, chance))


def poisson(x: Tensor, y: Tensor) -> None:
    """Poisson regression."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 3.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 1.0).expand([x.shape[1]]).to_event(1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Poisson((intercept + (x * slopes).sum(-1)).exp()), obs=y)


def _poisson_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(14)
    x = _predictors(random, 100, 3)
    return _tensors(x, random.poisson(np.exp(0.8 + x @ np.array([0.5, -0.3, 0.2]))))


def _poisson_unscaled_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(15)
    x = 10 * (1 + _predictors(random, 100, 2))
    return _tensors(x, random.poisson(np.exp(1.5 + x @ np.array([0.04, -0.03]))))


def negative_binomial(x: Tensor, y: Tensor) -> None:
    """Counts more spread than Poisson's, with a concentration: variance mean + mean^2 / concentration."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 3.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 1.0).expand([x.shape[1]]).to_event(1))
    concentration = virgil.sample("concentration", dist.LogNormal(0.0, 1.0))
    logits = intercept + (x * slopes).sum(-1) - concentration.log()
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.NegativeBinomial(concentration, logits=logits), obs=y)


def _negative_binomial_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(16)
    x = _predictors(random, 120, 3)
    rate = random.gamma(1.4, np.exp(1.2 + x @ np.array([0.6, 0.0, -0.4])) / 1.4)
    return _tensors(x, random.poisson(rate))


def robust(x: Tensor, y: Tensor) -> None:
    """Linear regression with Student noise, its degrees of freedom unknown."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 5.0))
    slopes = virgil.sample("slopes", dist.Normal(0.0, 2.5).expand([x.shape[1]]).to_event(1))
    scale = virgil.sample("scale", dist.HalfNormal(5.0))
    freedom = virgil.sample("freedom", dist.Gamma(2.0, 0.1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.StudentT(freedom, intercept + (x * slopes).sum(-1), scale), obs=y)


def _robust_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(17)
    x = _predictors(random, 100, 3)
    return _tensors(x, 0.5 + x @ np.array([1.0, -1.0, 0.5]) + 0.8 * random.standard_t(3, size=100))


def ordinal(x: Tensor, y: Tensor) -> None:
    """Ordered answers from 1 to 4, numbered from 0."""
    slopes = virgil.sample("slopes", dist.Normal(0.0, 2.0).expand([x.shape[1]]).to_event(1))
    first = virgil.sample("first", dist.Normal(0.0, 3.0))
    gaps = virgil.sample("gaps", dist.Gamma(2.0, 1.0).expand([2]).to_event(1))
    cuts = torch.cat([first.unsqueeze(-1), first.unsqueeze(-1) + gaps.cumsum(-1)], -1)
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.OrderedLogistic((x * slopes).sum(-1), cuts), obs=y)


def _ordinal_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(18)
    x = _predictors(random, 120, 3)
    latent = x @ np.array([1.2, -0.6, 0.0]) + random.logistic(size=120)
    return _tensors(x, np.digitize(latent, [-1.5, 0.0, 2.0]))


def survival(x: Tensor, time: Tensor, is_seen: Tensor) -> None:
    """Weibull times, censored where the study ends."""
    intercept = virgil.sample("intercept", dist.Normal(0.0, 3.0))
    slope = virgil.sample("slope", dist.Normal(0.0, 2.0))
    shape = virgil.sample("shape", dist.LogNormal(0.0, 1.0))
    log_hazard = shape * (time.log() - intercept - slope * x)
    log_density = is_seen * (shape.log() - time.log() + log_hazard) - log_hazard.exp()
    with virgil.plate("data", len(x)):
        virgil.factor("times", log_density)


def _survival_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(20)
    x = random.binomial(1, 0.5, 60)
    time = np.exp(1.0 + 0.6 * x) * random.weibull(1.5, 60)
    return _tensors(x, np.minimum(time, 5.0), time < 5.0)


POSTERIORS = [
    Posterior("linear", "regression", linear, _linear_data),
    Posterior("linear, unscaled", "regression", linear_unscaled, _linear_unscaled_data),
    Posterior("logistic", "regression", logistic, _logistic_data),
    Posterior("logistic, unscaled", "regression", logistic_unscaled, _logistic_unscaled_data, quadrature=True),
    Posterior("Poisson", "regression", poisson, _poisson_data),
    Posterior("Poisson, unscaled", "regression", poisson, _poisson_unscaled_data, quadrature=True),
    Posterior("negative binomial", "regression", negative_binomial, _negative_binomial_data),
    Posterior("robust", "robust", robust, _robust_data),
    Posterior("ordinal", "ordinal", ordinal, _ordinal_data),
    Posterior("survival", "survival", survival, _survival_data, quadrature=True),
]
