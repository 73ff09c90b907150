"""Data that are incomplete: seen with errors, missing, cut off, truncated."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil import poutine

_x = torch.tensor([-1.0, 0.2, 0.8, -0.4, 1.5, 0.0])
_y = torch.tensor([-0.8, 0.3, 1.2, 0.1, 1.6, -0.2])
_observed = torch.tensor([True, True, False, True, False, True])
_nan = torch.where(_observed, _x, torch.nan)


def measurement_error(seen, y=None):
    """A covariate that is seen with noise."""
    a, b = virgil.sample("ab", dist.Normal(torch.zeros(2), 1.0).to_event(1)).unbind(-1)
    with virgil.plate("rows", len(seen)):
        x = virgil.sample("x", dist.Normal(0.0, 1.0))
        virgil.sample("seen", dist.Normal(x, 0.3), obs=seen)
        virgil.sample("y", dist.Normal(a + b * x, 0.5), obs=y)


def measurement_error_answer(seen, y, ab, x):
    mean = ab[0] + ab[1] * x
    prior = stats.norm.logpdf(ab).sum() + stats.norm.logpdf(x).sum() + stats.norm.logpdf(seen, x, 0.3).sum()
    return Answer(prior + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


def missing_outcomes(x, y):
    """Outcomes that are missing, by `obs_mask`."""
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(b * x, 0.5), obs=y, obs_mask=_observed)


def missing_outcomes_answer(x, y, b, y_unobserved):
    value = np.where(_observed.numpy(), y, y_unobserved)
    return Answer(stats.norm.logpdf(b) + stats.norm.logpdf(value, b * x, 0.5).sum())


def missing_covariates(x, missing, y=None):
    """Covariates that are missing get a prior, in a plate of their own, and are put in their places."""
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("missing", len(missing)):
        filled = virgil.sample("filled", dist.Normal(0.0, 1.0))
    complete = x.nan_to_num().scatter(-1, missing, filled)
    with virgil.plate("rows", len(x)):
        virgil.sample("x", dist.Normal(0.0, 1.0).mask(~x.isnan()), obs=x.nan_to_num())
        virgil.sample("y", dist.Normal(b * complete, 0.5), obs=y)


def missing_covariates_answer(x, missing, y, b, filled):
    complete = x.copy()
    complete[missing] = filled
    prior = stats.norm.logpdf(b) + stats.norm.logpdf(complete).sum()
    return Answer(prior + stats.norm.logpdf(y, b * complete, 0.5).sum(), {"y": (b * complete, 0.5)})


def missing_labels(x, smokes, y):
    """A covariate of two values that is missing for some and then summed out."""
    share = virgil.sample("share", dist.Beta(2.0, 2.0))
    effect = virgil.sample("effect", dist.Normal(torch.tensor([0.0, 1.0]), 1.0).to_event(1))
    with virgil.plate("rows", len(x)):
        with poutine.mask(mask=_observed):
            virgil.sample("seen", dist.Bernoulli(share), obs=smokes)
        guess = virgil.sample("guess", dist.Bernoulli(share), infer={"enumerate": "parallel"})
        value = torch.where(_observed, smokes, guess)
        virgil.sample("y", dist.Normal(effect[..., 0] * x + effect[..., 1] * value, 0.5), obs=y)


def missing_labels_answer(x, smokes, y, share, effect):
    densities = stats.norm.logpdf(y[:, None], effect[0] * x[:, None] + effect[1] * np.array([0, 1]), 0.5)
    densities = densities + stats.bernoulli.logpmf([0, 1], share)
    rows = np.where(_observed, densities[np.arange(len(x)), smokes.astype(int)], special.logsumexp(densities, -1))
    prior = stats.beta.logpdf(share, 2, 2) + stats.norm.logpdf(effect, [0, 1]).sum()
    return Answer(prior + rows.sum())


def tobit(x, y):
    """Values cut off at zero: a density above, a probability below."""
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    sigma = virgil.sample("sigma", dist.Gamma(2.0, 2.0))
    with virgil.plate("rows", len(x)):
        above = dist.Normal(b * x, sigma)
        log_likelihood = torch.where(y > 0, above.log_prob(y), above.cdf(torch.zeros(())).log())
        virgil.factor("likelihood", log_likelihood)


def tobit_answer(x, y, b, sigma):
    fn = stats.norm(b * x, sigma)
    prior = stats.norm.logpdf(b) + stats.gamma.logpdf(sigma, 2, scale=0.5)
    return Answer(prior + np.where(y > 0, fn.logpdf(y), fn.logcdf(0)).sum())


class TruncatedNormal(dist.Normal):
    """A distribution of one's own: a normal one above a bound."""

    def __init__(self, loc, scale, low, validate_args=None):
        self.low = torch.as_tensor(low)
        super().__init__(loc, scale, validate_args=validate_args)

    @property
    def support(self):
        return dist.constraints.greater_than_eq(self.low)

    def expand(self, batch_shape, _instance=None):
        return TruncatedNormal(self.loc.expand(batch_shape), self.scale.expand(batch_shape), self.low)

    def log_prob(self, value):
        above = torch.special.log_ndtr((self.loc - self.low) / self.scale)
        return super().log_prob(value) - above

    def rsample(self, sample_shape=torch.Size()):
        low = dist.Normal(0.0, 1.0).cdf((self.low - self.loc) / self.scale)
        u = low + (1 - low) * torch.rand(self._extended_shape(sample_shape))
        return self.loc + self.scale * torch.special.ndtri(u)


def truncated(n=6, y=None):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    sigma = virgil.sample("sigma", dist.LogNormal(0.0, 0.5))
    with virgil.plate("rows", n):
        virgil.sample("y", TruncatedNormal(mu, sigma, 0.0), obs=y)


def truncated_answer(n, y, mu, sigma):
    fn = stats.truncnorm(-mu / sigma, np.inf, mu, sigma)
    prior = stats.norm.logpdf(mu) + stats.lognorm.logpdf(sigma, 0.5)
    return Answer(prior + fn.logpdf(y).sum(), {"y": (np.full(n, fn.mean()), fn.std())})


PROGRAMS = {
    "errors of measurement": Program(
        measurement_error,
        {"ab": [0.1, 0.9], "x": [-0.9, 0.3, 0.9, -0.2, 1.4, -0.1]},
        measurement_error_answer,
        (_x,),
        {"y": _y},
    ),
    "missing outcomes": Program(
        missing_outcomes,
        {"b": 0.9, "y_unobserved": [0.0, 0.1, 0.7, 0.3, 1.3, 0.2]},
        missing_outcomes_answer,
        (_x, _y),
    ),
    "missing covariates": Program(
        missing_covariates,
        {"b": 0.9, "filled": [0.7, 1.2]},
        missing_covariates_answer,
        (_nan, torch.tensor([2, 4])),
        {"y": _y},
    ),
    "missing labels": Program(
        missing_labels,
        {"share": 0.4, "effect": [0.7, 0.5]},
        missing_labels_answer,
        (_x, (_y > 0).float(), _y),
        enumerated=("guess",),
    ),
    "cut off at zero": Program(tobit, {"b": 0.9, "sigma": 0.6}, tobit_answer, (_x, _y.clamp(min=0))),
    "truncated": Program(truncated, {"mu": 0.4, "sigma": 0.9}, truncated_answer, (6,), {"y": _y.abs()}),
}
