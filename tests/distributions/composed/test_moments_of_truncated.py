"""Moments and entropies of truncated and censored families, against quadrature of SciPy's densities."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import virgil.distributions as dist


def double(number):
    return torch.tensor(number, dtype=torch.double)


BASES = {
    "Normal": (dist.Normal(double(0.3), double(1.2)), stats.norm(0.3, 1.2)),
    "Gamma": (dist.Gamma(double(1.7), double(0.7)), stats.gamma(1.7, scale=1 / 0.7)),
    "Pareto": (dist.Pareto(double(0.5), double(3.0)), stats.pareto(3, scale=0.5)),
}
INTERVALS = {"left": (0.6, math.inf), "right": (-math.inf, 0.9), "both": (0.6, 0.9)}


def truncated(base, low, high):
    if math.isinf(high):
        return dist.LeftTruncatedDistribution(base, double(low))
    if math.isinf(low):
        return dist.RightTruncatedDistribution(base, double(high))
    return dist.TwoSidedTruncatedDistribution(base, double(low), double(high))


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("name", BASES)
def test_moments_of_truncated_families(name, interval):
    base, reference = BASES[name]
    low, high = INTERVALS[interval]
    fn = truncated(base, low, high)
    start, end = max(low, reference.support()[0]), min(high, reference.support()[1])
    mass = reference.cdf(high) - reference.cdf(low)

    def expectation(of):
        return integrate.quad(lambda x: of(x) * reference.pdf(x) / mass, start, end, epsabs=0, epsrel=1e-10)[0]

    mean = expectation(lambda x: x)
    assert fn.mean.item() == pytest.approx(mean, rel=1e-8)
    assert fn.variance.item() == pytest.approx(expectation(lambda x: (x - mean) ** 2), rel=1e-6)
    entropy = expectation(lambda x: math.log(mass) - reference.logpdf(x))
    assert fn.entropy().item() == pytest.approx(entropy, rel=1e-8)


@pytest.mark.parametrize("name", BASES)
def test_moments_of_censored_families(name):
    base, reference = BASES[name]
    fn = dist.Censored(base, double(0.6), double(0.9))
    points = np.clip(reference.ppf((np.arange(20_000) + 0.5) / 20_000), 0.6, 0.9)
    assert fn.mean.item() == pytest.approx(points.mean(), rel=1e-8)
    assert fn.variance.item() == pytest.approx(points.var(), rel=1e-6)


def test_moments_that_do_not_exist_are_those_of_the_base():
    cauchy = dist.Cauchy(double(0.0), double(1.0))
    assert dist.LeftTruncatedDistribution(cauchy, double(1.0)).mean.isnan()
    exact = math.log((1 + 4) / (1 + 1)) / 2 / (math.atan(2.0) - math.atan(1.0))
    assert dist.TwoSidedTruncatedDistribution(cauchy, double(1.0), double(2.0)).mean.item() == pytest.approx(exact)
    with pytest.raises(NotImplementedError, match=r"Moments of Censored\(Poisson\) are not known"):
        _ = dist.Censored(dist.Poisson(2.0), high=3.0).mean


def test_a_mean_moves_with_the_shape():
    """Above a bound the mean of a gamma variable is that of its tail, by one more incomplete gamma function."""
    shape = double(2.0).requires_grad_()
    fn = dist.LeftTruncatedDistribution(dist.Gamma(shape, double(1.0)), double(3.0))

    def mean(a):
        return a * stats.gamma(a + 1).sf(3.0) / stats.gamma(a).sf(3.0)

    assert fn.mean.item() == pytest.approx(mean(2.0), rel=1e-10)
    (slope,) = torch.autograd.grad(fn.mean, shape)
    assert slope.item() == pytest.approx((mean(2.0 + 1e-5) - mean(2.0 - 1e-5)) / 2e-5, rel=1e-6)


def test_the_shape_of_censored_gamma_times_is_learnt():
    """Of more than half of the times only the mass beyond the bound is known."""
    times = double(stats.gamma(2.0).ppf((np.arange(200) + 0.5) / 200))
    high = double(1.5)
    shape = double(1.0).requires_grad_()
    optimizer = torch.optim.LBFGS([shape], max_iter=12, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = -dist.Censored(dist.Gamma(shape, double(1.0)), high=high).log_prob(times).mean()
        value.backward()
        return value

    optimizer.step(loss)
    assert shape.item() == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(("loc", "concentration"), [(0.5, 3.0), (2.0, 0.2), (1e-3, 50.0)])
def test_the_entropy_of_an_inverse_gaussian(loc, concentration):
    fn = dist.InverseGaussian(double(loc), double(concentration))
    reference = stats.invgauss(loc / concentration, scale=concentration)
    expected, _ = integrate.quad(
        lambda u: -reference.pdf(math.exp(u)) * reference.logpdf(math.exp(u)) * math.exp(u),
        math.log(loc) - 8,
        math.log(loc) + 8,
        points=[math.log(loc)],
        limit=200,
    )
    assert fn.entropy().item() == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("concentration", [0.1, 3.0, 500.0])
def test_the_entropy_of_a_von_mises_distribution(concentration):
    fn = dist.VonMises(double(1.0), double(concentration))
    assert fn.entropy().item() == pytest.approx(stats.vonmises(concentration).entropy(), rel=1e-9)
