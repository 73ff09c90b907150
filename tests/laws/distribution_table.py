"""The table of all families: how each is made, from which parameters, and what is known of it from elsewhere.

Every parameter has a leading batch dim of two unequal entries and is in double precision. Parameters are chosen so that
four moments exist and densities are bounded, unless a row says that its family has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from scipy import stats
from torch import Tensor

import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.distributions.transforms import biject_to

Chart = Callable[[Tensor], tuple[Tensor, Tensor]]


def _t(*values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.double)


@dataclass(frozen=True, eq=False)
class Row:
    """One family.

    Attributes:
        make: the distribution from its parameters.
        params: tensors, Shape: (2, ...).
        reference: SciPy's distribution of one batch entry, from floats.
        values: all values of a discrete family that carry mass above rounding. Shape: (values, *event).
        chart: from real vectors onto the support with the log-determinant, where ``biject_to`` has none.
        moments: whether mean and variance exist and the family has formulas for them.
        pathwise: whether a draw moves with its parameters as the quantile does (not so for ratios of two draws).
        accuracy: relative error of the pathwise derivative, which torch approximates for some families.
        normalised: whether it is a density with respect to Lebesgue or counting measure.
    """

    make: Callable[..., Any]
    params: dict[str, Tensor] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    values: Tensor | None = None
    chart: Chart | None = None
    moments: bool = True
    pathwise: bool = True
    accuracy: float = 2e-5
    normalised: bool = True

    def build(self, **changed: Tensor) -> Any:
        return self.make(**{**self.params, **changed})


def circle(u: Tensor) -> tuple[Tensor, Tensor]:
    to = biject_to(constraints.interval(-math.pi, math.pi))
    return to(u), to.log_abs_det_jacobian(u, to(u))


def positive_definite(u: Tensor) -> tuple[Tensor, Tensor]:
    """By the Cholesky factor L: L -> LL' has the Jacobian 4 L11^2 L22 (Muirhead 1982, theorem 2.1.9)."""
    a, b, c = u.unbind(-1)
    factor = torch.stack([torch.stack([a.exp(), torch.zeros_like(a)], -1), torch.stack([b, c.exp()], -1)], -2)
    return factor @ factor.mT, math.log(4.0) + 3 * a + 2 * c


# torch differentiates gamma and beta draws by rational approximations
GAMMA = 1e-3
_counts = torch.arange(400, dtype=torch.double)
_three = torch.eye(3, dtype=torch.double)
_weights = _t([0.2, 0.3, 0.5], [0.6, 0.3, 0.1])
_eye2 = _t([[1.0, 0.0], [0.3, 0.8]], [[0.5, 0.0], [-0.2, 1.2]])
_locs, _scales = _t(0.3, -1.2), _t(0.7, 1.6)
_shapes, _rates = _t(1.7, 4.2), _t(0.6, 2.5)
_probs = _t(0.3, 0.8)
_pairs = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0), torch.arange(4.0)).double()
_vectors = {"loc": _t([0.1, -0.4], [0.5, 0.2])}


def _transformed(loc: Tensor, scale: Tensor) -> Any:
    affine = dist.transforms.AffineTransform(0.5, 0.5)
    return dist.TransformedDistribution(dist.Normal(loc, scale), [affine, dist.transforms.TanhTransform()])


def _mixture(probs: Tensor, loc: Tensor, scale: Tensor) -> Any:
    return dist.MixtureSameFamily(dist.Categorical(probs), dist.Normal(loc, scale))


CONTINUOUS = {
    "Beta": Row(
        dist.Beta,
        {"concentration1": _shapes, "concentration0": _t(2.5, 1.6)},
        stats.beta,
        accuracy=2e-3,
    ),
    "Cauchy": Row(dist.Cauchy, {"loc": _locs, "scale": _scales}, stats.cauchy, moments=False),
    "Chi2": Row(dist.Chi2, {"df": _t(3.5, 6.0)}, stats.chi2, accuracy=GAMMA),
    "ContinuousBernoulli": Row(dist.ContinuousBernoulli, {"probs": _t(0.2, 0.9)}),
    "Exponential": Row(dist.Exponential, {"rate": _rates}, lambda rate: stats.expon(scale=1 / rate)),
    "FisherSnedecor": Row(dist.FisherSnedecor, {"df1": _t(5.0, 8.0), "df2": _t(14.0, 20.0)}, stats.f, pathwise=False),
    "FoldedDistribution": Row(
        lambda loc, scale: dist.FoldedDistribution(dist.Normal(loc, scale)),
        {"loc": _locs, "scale": _scales},
        lambda loc, scale: stats.foldnorm(abs(loc) / scale, scale=scale),
        moments=False,
        pathwise=False,  # the absolute value of a draw below zero falls where its quantile rises
    ),
    "Gamma": Row(
        dist.Gamma,
        {"concentration": _shapes, "rate": _rates},
        lambda a, rate: stats.gamma(a, scale=1 / rate),
        accuracy=GAMMA,
    ),
    "GeneralizedPareto": Row(
        dist.GeneralizedPareto,
        {"loc": _t(0.5, 0.5), "scale": _scales, "concentration": _t(0.1, 0.05)},
        lambda loc, scale, c: stats.genpareto(c, loc, scale),
    ),
    "Gumbel": Row(dist.Gumbel, {"loc": _locs, "scale": _scales}, stats.gumbel_r),
    "HalfCauchy": Row(
        dist.HalfCauchy, {"scale": _scales}, lambda scale: stats.halfcauchy(scale=scale), moments=False, pathwise=False
    ),
    "HalfNormal": Row(dist.HalfNormal, {"scale": _scales}, lambda scale: stats.halfnorm(scale=scale)),
    "InverseGamma": Row(
        dist.InverseGamma,
        {"concentration": _t(7.0, 9.5), "rate": _rates},
        lambda a, rate: stats.invgamma(a, scale=rate),
        accuracy=GAMMA,
    ),
    "Kumaraswamy": Row(dist.Kumaraswamy, {"concentration1": _shapes, "concentration0": _t(2.5, 1.6)}),
    "Laplace": Row(dist.Laplace, {"loc": _locs, "scale": _scales}, stats.laplace),
    "LogNormal": Row(
        dist.LogNormal, {"loc": _locs, "scale": _t(0.2, 0.4)}, lambda m, s: stats.lognorm(s, scale=math.exp(m))
    ),
    "Logistic": Row(dist.Logistic, {"loc": _locs, "scale": _scales}, stats.logistic),
    "MaskedMixture": Row(
        lambda loc, scale: dist.MaskedMixture(
            torch.tensor([True, False]), dist.Normal(loc, scale), dist.Laplace(loc, scale)
        ),
        {"loc": _locs, "scale": _scales},
    ),
    "MixtureSameFamily": Row(
        _mixture, {"probs": _weights, "loc": _t([-2.0, 0.0, 1.5], [0.0, 1.0, 2.0]), "scale": _t([0.5], [1.0])}
    ),
    "Normal": Row(dist.Normal, {"loc": _locs, "scale": _scales}, stats.norm),
    "Pareto": Row(
        dist.Pareto, {"scale": _scales, "alpha": _t(11.0, 14.0)}, lambda scale, a: stats.pareto(a, scale=scale)
    ),
    "RelaxedBernoulli": Row(
        dist.RelaxedBernoulli,
        {"temperature": _t(0.7, 1.3), "probs": _probs},
        moments=False,
    ),
    "SkewLogistic": Row(
        dist.SkewLogistic,
        {"loc": _locs, "scale": _scales, "asymmetry": _t(2.5, 0.6)},
        lambda loc, scale, asymmetry: stats.genlogistic(asymmetry, loc, scale),
    ),
    "StudentT": Row(dist.StudentT, {"df": _t(11.0, 16.0), "loc": _locs, "scale": _scales}, stats.t, pathwise=False),
    "TransformedDistribution": Row(_transformed, {"loc": _locs, "scale": _scales}, moments=False),
    "Uniform": Row(dist.Uniform, {"low": _locs, "high": _t(1.1, 2.0)}, lambda a, b: stats.uniform(a, b - a)),
    "VonMises": Row(
        dist.VonMises,
        {"loc": _t(0.0, 0.0), "concentration": _rates},
        lambda loc, k: stats.vonmises(k, loc),
        chart=circle,
        moments=False,  # its mean and variance are circular
    ),
    "Weibull": Row(
        dist.Weibull, {"scale": _scales, "concentration": _t(1.5, 3.0)}, lambda s, c: stats.weibull_min(c, scale=s)
    ),
}

DISCRETE = {
    "Bernoulli": Row(dist.Bernoulli, {"probs": _probs}, stats.bernoulli, _counts[:2]),
    "Bernoulli(logits)": Row(
        lambda logits: dist.Bernoulli(logits=logits),
        {"logits": _locs},
        lambda x: stats.bernoulli(1 / (1 + math.exp(-x))),
        _counts[:2],
    ),
    "BetaBinomial": Row(
        lambda a, b: dist.BetaBinomial(a, b, 6),
        {"a": _shapes, "b": _rates},
        lambda a, b: stats.betabinom(6, a, b),
        _counts[:7],
    ),
    "Binomial": Row(lambda probs: dist.Binomial(6, probs), {"probs": _probs}, lambda p: stats.binom(6, p), _counts[:7]),
    "Categorical": Row(dist.Categorical, {"probs": _weights}, values=torch.arange(3), moments=False),
    "Categorical(logits)": Row(
        lambda logits: dist.Categorical(logits=logits),
        {"logits": _t([0.1, -2.0, 1.0], [3.0, 0.5, 0.2])},
        values=torch.arange(3),
        moments=False,
    ),
    "Empirical": Row(
        dist.Empirical,
        {"samples": _t([0.5, -1.0, 2.0], [3.0, 0.25, 1.0]), "log_weights": _locs.unsqueeze(-1) * _t(0.0, 1.0, -1.0)},
        values=_t(0.5, -1.0, 2.0, 3.0, 0.25, 1.0),
    ),
    "DirichletMultinomial": Row(
        lambda concentration: dist.DirichletMultinomial(concentration, 3),
        {"concentration": _t([0.6, 2.0, 3.1], [4.0, 1.5, 2.2])},
        values=_pairs[_pairs.sum(-1) == 3],
    ),
    "DiscreteHMM": Row(
        lambda initial, moves, probs: dist.DiscreteHMM(initial, moves, dist.Bernoulli(probs), duration=3),
        {
            "initial": _t([0.3, -0.4], [0.0, 1.0]),
            "moves": _t([[[0.5, -0.5], [0.2, 0.9]]], [[[0.0, 1.0], [-1.0, 0.3]]]),
            "probs": _t([[0.2, 0.7]], [[0.9, 0.5]]),
        },
        values=_pairs[(_pairs < 2).all(-1)],
        moments=False,
    ),
    "GammaPoisson": Row(
        dist.GammaPoisson,
        {"concentration": _shapes, "rate": _rates},
        lambda a, rate: stats.nbinom(a, rate / (1 + rate)),
        _counts,
    ),
    "Geometric": Row(dist.Geometric, {"probs": _probs}, lambda p: stats.geom(p, loc=-1), _counts),
    "Multinomial": Row(
        lambda probs: dist.Multinomial(3, probs), {"probs": _weights}, values=_pairs[_pairs.sum(-1) == 3]
    ),
    "NegativeBinomial": Row(
        dist.NegativeBinomial,
        {"total_count": _shapes, "probs": _t(0.3, 0.7)},
        lambda n, p: stats.nbinom(n, 1 - p),
        _counts,
    ),
    "OneHotCategorical": Row(dist.OneHotCategorical, {"probs": _weights}, values=_three),
    "OneHotCategoricalStraightThrough": Row(
        dist.OneHotCategoricalStraightThrough, {"probs": _weights}, values=_three, pathwise=False
    ),
    "OrderedLogistic": Row(
        dist.OrderedLogistic,
        {"predictor": _locs, "cutpoints": _t([-0.5, 0.8], [-2.0, 0.1])},
        values=torch.arange(3),
        moments=False,
    ),
    "Poisson": Row(dist.Poisson, {"rate": _rates}, stats.poisson, _counts),
    "ZeroInflatedDistribution": Row(
        lambda probs, gate: dist.ZeroInflatedDistribution(dist.Binomial(6, probs), gate=gate),
        {"probs": _probs, "gate": _t(0.4, 0.1)},
        values=_counts[:7],
    ),
    "ZeroInflatedNegativeBinomial": Row(
        lambda total_count, probs, gate: dist.ZeroInflatedNegativeBinomial(total_count, probs=probs, gate=gate),
        {"total_count": _shapes, "probs": _t(0.3, 0.7), "gate": _t(0.4, 0.1)},
        values=_counts,
    ),
    "ZeroInflatedPoisson": Row(
        lambda rate, gate_logits: dist.ZeroInflatedPoisson(rate, gate_logits=gate_logits),
        {"rate": _rates, "gate_logits": _locs},
        values=_counts,
    ),
}

MULTIVARIATE = {
    "Dirichlet": Row(dist.Dirichlet, {"concentration": _t([1.6, 2.0, 3.1], [4.0, 1.5, 2.2])}),
    "Independent": Row(
        lambda loc, scale: dist.Independent(dist.Normal(loc, scale), 1),
        {**_vectors, "scale": _t([0.5, 1.5], [1.0, 0.8])},
    ),
    "LKJCholesky": Row(
        lambda concentration: dist.LKJCholesky(3, concentration), {"concentration": _t(1.5, 3.0)}, moments=False
    ),
    "LogisticNormal": Row(dist.LogisticNormal, {**_vectors, "scale": _t([0.5, 1.5], [1.0, 0.8])}, moments=False),
    "LowRankMultivariateNormal": Row(
        dist.LowRankMultivariateNormal,
        {**_vectors, "cov_factor": _t([[0.5], [1.0]], [[1.0], [-0.4]]), "cov_diag": _t([0.4, 0.7], [1.0, 0.3])},
    ),
    "MultivariateNormal": Row(
        lambda loc, scale_tril: dist.MultivariateNormal(loc, scale_tril=scale_tril), {**_vectors, "scale_tril": _eye2}
    ),
    "RelaxedOneHotCategorical": Row(
        lambda probs: dist.RelaxedOneHotCategorical(_t(0.8).squeeze(), probs), {"probs": _weights}, moments=False
    ),
    "Wishart": Row(
        lambda df, scale_tril: dist.Wishart(df, scale_tril=scale_tril),
        {"df": _t(4.5, 6.0), "scale_tril": _eye2},
        chart=positive_definite,
    ),
}

# point masses, empty events, improper and masked densities: the laws of shapes hold, those of measures do not
UNNORMALISED = {
    "Delta": Row(dist.Delta, {"v": _locs, "log_density": _t(0.0, -1.0)}, normalised=False),
    "ExpandedDistribution": Row(
        lambda loc, scale: dist.ExpandedDistribution(dist.Normal(loc, scale), (2,)),
        {"loc": _locs, "scale": _scales},
    ),
    "ImproperUniform": Row(
        lambda: dist.ImproperUniform(constraints.positive, (2,), (3,)), normalised=False, moments=False
    ),
    "MaskedDistribution": Row(
        lambda loc, scale: dist.Normal(loc, scale).mask(torch.tensor([True, False])),
        {"loc": _locs, "scale": _scales},
        normalised=False,
    ),
    "Unit": Row(dist.Unit, {"log_factor": _locs}, normalised=False, moments=False),
}

ROWS = {**CONTINUOUS, **DISCRETE, **MULTIVARIATE, **UNNORMALISED}
