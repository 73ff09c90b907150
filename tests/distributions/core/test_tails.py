"""Masses of tails and their quantiles, against SciPy's survival functions."""

import numpy as np
import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.distributions.core.tails import tails_of


def double(number):
    return torch.tensor(number, dtype=torch.double)


LOC, SCALE, SHAPE = double(0.3), double(0.7), double(1.7)
FAMILIES = {
    "Normal": (dist.Normal(LOC, SCALE), stats.norm(0.3, 0.7)),
    "LogNormal": (dist.LogNormal(LOC, SCALE), stats.lognorm(0.7, scale=np.exp(0.3))),
    "HalfNormal": (dist.HalfNormal(SCALE), stats.halfnorm(scale=0.7)),
    "Cauchy": (dist.Cauchy(LOC, SCALE), stats.cauchy(0.3, 0.7)),
    "HalfCauchy": (dist.HalfCauchy(SCALE), stats.halfcauchy(scale=0.7)),
    "Laplace": (dist.Laplace(LOC, SCALE), stats.laplace(0.3, 0.7)),
    "Logistic": (dist.Logistic(LOC, SCALE), stats.logistic(0.3, 0.7)),
    "Exponential": (dist.Exponential(SHAPE), stats.expon(scale=1 / 1.7)),
    "Weibull": (dist.Weibull(SCALE, SHAPE), stats.weibull_min(1.7, scale=0.7)),
    "Pareto": (dist.Pareto(SCALE, SHAPE), stats.pareto(1.7, scale=0.7)),
    "Gumbel": (dist.Gumbel(LOC, SCALE), stats.gumbel_r(0.3, 0.7)),
    "Gamma": (dist.Gamma(SHAPE, SCALE), stats.gamma(1.7, scale=1 / 0.7)),
    "Chi2": (dist.Chi2(SHAPE), stats.chi2(1.7)),
    "InverseGamma": (dist.InverseGamma(SHAPE, SCALE), stats.invgamma(1.7, scale=0.7)),
    "Beta": (dist.Beta(SHAPE, SCALE), stats.beta(1.7, 0.7)),
    "FisherSnedecor": (dist.FisherSnedecor(SHAPE, double(3.2)), stats.f(1.7, 3.2)),
    "StudentT": (dist.StudentT(SHAPE, LOC, SCALE), stats.t(1.7, 0.3, 0.7)),
    "Uniform": (dist.Uniform(LOC, SHAPE), stats.uniform(0.3, 1.4)),
}
MASSES = (0.5, 0.3, 1e-3, 1e-12, 1e-100)


@pytest.mark.parametrize("name", FAMILIES)
def test_quantiles_have_the_mass_of_their_tail(name):
    fn, reference = FAMILIES[name]
    tails = tails_of(fn)
    few = name in {"Uniform", "Pareto", "Beta", "FisherSnedecor"}  # where a rounding of values is more, or SciPy errs
    for mass in MASSES[: 3 if few else None]:
        below, above = tails.from_below(fn, double(mass)), tails.from_above(fn, double(mass))
        assert below.item() == pytest.approx(reference.ppf(mass), rel=1e-9)
        assert above.item() == pytest.approx(reference.isf(mass), rel=1e-9)
        assert tails.log_below(fn, below).item() == pytest.approx(np.log(mass), rel=1e-9)
        assert tails.log_above(fn, above).item() == pytest.approx(np.log(mass), rel=1e-9)
        assert tails.log_below(fn, above).exp().item() == pytest.approx(1 - mass, rel=1e-12)
        assert tails.log_above(fn, below).exp().item() == pytest.approx(1 - mass, rel=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_lies_below_the_support(name):
    fn, reference = FAMILIES[name]
    if np.isinf(reference.support()[0]):
        return
    value = double(reference.support()[0] - 1).requires_grad_()
    below, above = tails_of(fn).log_below(fn, value), tails_of(fn).log_above(fn, value)
    assert below.exp().item() < 1e-100
    assert above.item() == pytest.approx(0.0, abs=1e-12)
    assert all(not slope.isnan() for slope in torch.autograd.grad(below + above, value))


@pytest.mark.parametrize(
    ("fn", "reference"),
    [
        (dist.Poisson(double(3.5)), stats.poisson(3.5)),
        (dist.NegativeBinomial(double(2.5), double(0.6)), stats.nbinom(2.5, 0.4)),
        (dist.Binomial(double(12), double(0.6)), stats.binom(12, 0.6)),
        (dist.Geometric(double(0.2)), stats.geom(0.2, loc=-1)),
        (dist.GammaPoisson(double(2.5), double(0.6)), stats.nbinom(2.5, 0.375)),
        (dist.BetaBinomial(double(2.5), double(0.6), double(12)), stats.betabinom(12, 2.5, 0.6)),
        (dist.ExtendedBetaBinomial(double(2.5), double(0.6), double(12)), stats.betabinom(12, 2.5, 0.6)),
        (dist.HyperGeometric(double(50), double(20), double(12)), stats.hypergeom(50, 20, 12)),
        (dist.HyperGeometric(double(10), double(8), double(5)), stats.hypergeom(10, 8, 5)),
    ],
    ids=[
        *("Poisson", "NegativeBinomial", "Binomial", "Geometric", "GammaPoisson", "BetaBinomial"),
        *("ExtendedBetaBinomial", "HyperGeometric"),
        "HyperGeometric from 3",
    ],
)
def test_masses_of_counts_are_those_of_scipy(fn, reference):
    for count in (-1.0, 0.0, 2.0, 3.0, 12.0, 60.0):
        tails = tails_of(fn)
        assert tails.log_above(fn, double(count)).item() == pytest.approx(reference.logsf(count), rel=1e-9, abs=1e-12)
        assert tails.log_below(fn, double(count)).exp().item() == pytest.approx(reference.cdf(count), rel=1e-12)


@pytest.mark.parametrize(
    ("mean", "other"), [(2.0, 2.0), (0.01, 0.02), (30.0, 3.0), (2e3, 2.5e3), (1e-3, 5.0), (200.0, 1e-3)]
)
def test_masses_of_a_difference_of_counts_are_sums_over_one_of_them(mean, other):
    fn = dist.Skellam(double(mean), double(other))
    subtracted = np.arange(0, int(other + 40 * other**0.5) + 60)
    weights = stats.poisson.logpmf(subtracted, other)
    for deviations in (-8.0, -3.0, 0.0, 0.5, 2.0, 6.0):
        count = np.floor(mean - other + deviations * (mean + other) ** 0.5)
        below = np.logaddexp.reduce(weights + stats.poisson.logcdf(count + subtracted, mean))
        above = np.logaddexp.reduce(weights + stats.poisson.logsf(count + subtracted, mean))
        tails, value = tails_of(fn), double(count)
        assert tails.log_below(fn, value).item() == pytest.approx(below, rel=1e-10, abs=1e-11)
        assert tails.log_above(fn, value).item() == pytest.approx(above, rel=1e-10, abs=1e-11)
        assert fn.cdf(value).item() == pytest.approx(np.exp(below), rel=1e-10)


def test_masses_of_counts_have_derivatives_for_each_batch_entry():
    a, b = double([1.5, 4.0]).requires_grad_(), double([0.7, 2.0]).requires_grad_()
    value = double([[2.0, 5.0], [-1.0, 0.0], [9.0, 9.0]])
    makes = (dist.Skellam, dist.GammaPoisson, lambda x, y: dist.BetaBinomial(x, y, double([9.0, 6.0])))
    for make in makes:
        assert make(a, b).cdf(torch.ones(3, 2)).shape == (3, 2)
        assert torch.autograd.gradcheck(
            lambda x, y, make=make: tails_of(make(x, y)).log_below(make(x, y), value).clamp_min(-1e3), (a, b)
        )
        assert torch.autograd.gradcheck(
            lambda x, y, make=make: tails_of(make(x, y)).log_above(make(x, y), value).clamp_min(-1e3), (a, b)
        )
