"""Hierarchies: schools, firms, groups, answers to questions, and a covariance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.accuracy.posteriors.posterior import Draws, Posterior


def schools_centred(effects: Tensor, errors: Tensor) -> None:
    """Effects of coaching in eight schools *(Rubin 1981)*."""
    mean = virgil.sample("mean", dist.Normal(0.0, 5.0))
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(effects)):
        own = virgil.sample("own", dist.Normal(mean, spread))
        virgil.sample("effects", dist.Normal(own, errors), obs=effects)


def schools_non_centred(effects: Tensor, errors: Tensor) -> None:
    """The same, effects in units of their spread."""
    mean = virgil.sample("mean", dist.Normal(0.0, 5.0))
    spread = virgil.sample("spread", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(effects)):
        raw = virgil.sample("raw", dist.Normal(0.0, 1.0))
        virgil.sample("effects", dist.Normal(mean + spread * raw, errors), obs=effects)


def _schools_judged(draws: Draws) -> Draws:
    """The effects beside what the model states."""
    return {**draws, "own": draws["mean"].unsqueeze(-1) + draws["spread"].unsqueeze(-1) * draws["raw"]}


def _schools_data() -> tuple[Tensor, Tensor]:
    """Estimates and standard errors in table 1 of Rubin (1981)."""
    return torch.tensor([28.0, 8, -3, 7, -1, 1, 18, 12]), torch.tensor([15.0, 10, 16, 11, 9, 11, 10, 18])


def firms(firm: Tensor, value: Tensor, capital: Tensor, investment: Tensor) -> None:
    """Investment of eleven firms, by their value and capital, all in logarithms; a level for each firm."""
    mean = virgil.sample("mean", dist.Normal(0.0, 5.0))
    spread = virgil.sample("spread", dist.HalfNormal(2.0))
    of_value = virgil.sample("of_value", dist.Normal(0.0, 1.0))
    of_capital = virgil.sample("of_capital", dist.Normal(0.0, 1.0))
    scale = virgil.sample("scale", dist.HalfNormal(1.0))
    with virgil.plate("firms", 11):
        level = virgil.sample("level", dist.Normal(mean, spread))
    expected = level[..., firm.long()] + of_value * value + of_capital * capital
    with virgil.plate("data", len(firm)):
        virgil.sample("investment", dist.Normal(expected, scale), obs=investment)


def _firms_data() -> tuple[Tensor, ...]:
    """Grunfeld (1958), as statsmodels ships it: 11 firms, 20 years; logarithms, predictors less their means."""
    from statsmodels.datasets import grunfeld  # noqa: PLC0415 of the extra 'data'

    table = grunfeld.load_pandas().data
    firm = np.unique(table["firm"], return_inverse=True)[1]
    value, capital, investment = (np.log(table[name].to_numpy(float)) for name in ("value", "capital", "invest"))
    columns = (firm, value - value.mean(), capital - capital.mean(), investment)
    return tuple(torch.tensor(column, dtype=torch.float32) for column in columns)


def groups(group: Tensor, x: Tensor, y: Tensor) -> None:
    """Level and slope for each of 12 groups, most of few members."""
    mean = virgil.sample("mean", dist.Normal(0.0, 3.0).expand([2]).to_event(1))
    spread = virgil.sample("spread", dist.HalfNormal(1.0).expand([2]).to_event(1))
    scale = virgil.sample("scale", dist.HalfNormal(1.0))
    with virgil.plate("groups", 12):
        raw = virgil.sample("raw", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    own = (mean + spread * raw)[..., group.long(), :]
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(own[..., 0] + own[..., 1] * x, scale), obs=y)


def _groups_data() -> tuple[Tensor, ...]:
    random = np.random.default_rng(21)
    group = np.repeat(np.arange(12), random.integers(2, 14, 12))
    own = np.array([1.5, -0.7]) + np.array([0.8, 0.4]) * random.normal(size=(12, 2))
    x = random.binomial(1, 0.4, len(group))
    y = own[group, 0] + own[group, 1] * x + 0.7 * random.normal(size=len(group))
    return tuple(torch.tensor(column, dtype=torch.float32) for column in (group, x, y))


def questions(right: Tensor) -> None:
    """Twenty people answer ten questions that differ in difficulty and in how well they tell people apart."""
    people, number = right.shape
    ability = virgil.sample("ability", dist.Normal(0.0, 1.0).expand([people]).to_event(1))
    difficulty = virgil.sample("difficulty", dist.Normal(0.0, 2.0).expand([number]).to_event(1))
    sharpness = virgil.sample("sharpness", dist.LogNormal(0.0, 0.5).expand([number]).to_event(1))
    logits = sharpness.unsqueeze(-2) * (ability.unsqueeze(-1) - difficulty.unsqueeze(-2))
    virgil.sample("right", dist.Bernoulli(logits=logits).to_event(2), obs=right)


def _questions_data() -> tuple[Tensor]:
    random = np.random.default_rng(22)
    ability, difficulty = random.normal(size=(20, 1)), random.normal(size=10)
    chance = 1 / (1 + np.exp(-random.lognormal(0.2, 0.4, 10) * (ability - difficulty)))
    return (torch.tensor(random.binomial(1, chance), dtype=torch.float32),)


def covariance(y: Tensor) -> None:
    """The scales and correlations of three normal variables, the correlations by way of a factor."""
    dim = y.shape[-1]
    mean = virgil.sample("mean", dist.Normal(torch.zeros_like(y[0]), 3.0).to_event(1))
    scale = virgil.sample("scale", dist.HalfNormal(3.0 * torch.ones_like(y[0])).to_event(1))
    factor = virgil.sample("factor", dist.LKJCholesky(dim, torch.ones_like(y[0, 0])))
    tril = scale.unsqueeze(-1) * factor
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.MultivariateNormal(mean, scale_tril=tril), obs=y)


def _covariance_data() -> tuple[Tensor]:
    matrix = np.array([[1.0, 0.9, -0.3], [0.9, 2.0, 0.0], [-0.3, 0.0, 0.5]])
    return (torch.tensor(np.random.default_rng(23).multivariate_normal([0, 1, -1], matrix, 25), dtype=torch.float32),)


POSTERIORS = [
    Posterior("schools, centred", "hierarchical", schools_centred, _schools_data, known_as="schools, non-centred"),
    Posterior("schools, non-centred", "hierarchical", schools_non_centred, _schools_data, judged=_schools_judged),
    Posterior("firms", "hierarchical", firms, _firms_data),
    Posterior("groups", "hierarchical", groups, _groups_data),
    Posterior("questions", "item response", questions, _questions_data),
    Posterior("covariance", "covariance", covariance, _covariance_data),
]
