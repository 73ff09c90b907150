"""Uniform, Skellam and hypergeometric counts, where no law looks.

Samples are compared by the chi-square test at a probability of 1e-6; seeds are fixed.
"""

import numpy as np
import pytest
import torch
from scipy import stats

import virgil.distributions as dist


def numbers(*values):
    return torch.tensor(values, dtype=torch.double)


def chi_square(draws, reference):
    """The probability of counts as unlike the reference as these, in cells of at least ten draws."""
    values = np.arange(draws.min(), draws.max() + 1)
    expected = reference.pmf(values) * len(draws)
    common = expected >= 10
    observed = np.array([(draws == value).sum() for value in values[common]])
    rest = len(draws) - observed.sum(), len(draws) - expected[common].sum()
    statistic = ((observed - expected[common]) ** 2 / expected[common]).sum()
    if rest[1] > 5:
        statistic += (rest[0] - rest[1]) ** 2 / rest[1]
    return stats.chi2.sf(statistic, common.sum())


@pytest.mark.parametrize(
    ("total", "good", "taken"), [(20, 7, 12), (1000, 400, 300), (100_000, 50_000, 50_000), (9, 9, 4)]
)
def test_hypergeometric_draws(total, good, taken):
    fn = dist.HyperGeometric(numbers(total), good, taken)
    draws = fn.sample((20_000,)).squeeze(-1)
    assert fn.support.check(draws).all()
    assert chi_square(draws.numpy(), stats.hypergeom(total, good, taken)) > 1e-6


def test_more_items_than_there_are_cannot_be_taken():
    with pytest.raises(ValueError, match="a success_count or a draw_count above its population_count"):
        dist.HyperGeometric(10, 4, 11)


@pytest.mark.parametrize(("a", "b"), [(0.6, 2.5), (30.0, 1e-3), (400.0, 380.0)])
def test_skellam_draws_and_probabilities(a, b):
    fn = dist.Skellam(numbers(a), b)
    draws = fn.sample((20_000,)).squeeze(-1)
    assert chi_square(draws.numpy(), stats.skellam(a, b)) > 1e-6
    swapped = dist.Skellam(numbers(b), a)
    torch.testing.assert_close(fn.log_prob(draws[:50]), swapped.log_prob(-draws[:50]), rtol=1e-10, atol=1e-10)


def test_uniform_integers():
    fn = dist.DiscreteUniform(numbers(-2), 3)
    assert chi_square(fn.sample((20_000,)).squeeze(-1).numpy(), stats.randint(-2, 4)) > 1e-6
    x = numbers(-3, -2, 0.5, 3, 7)
    torch.testing.assert_close(fn.cdf(x), torch.as_tensor(stats.randint(-2, 4).cdf(x.numpy())))
    u = numbers(0.0, 0.1, 1 / 6, 0.5, 1.0)
    assert fn.icdf(u).tolist() == [-2.0, -2.0, -2.0, 0.0, 3.0]
    assert fn.entropy().item() == pytest.approx(float(stats.randint(-2, 4).entropy()))
    assert dist.DiscreteUniform(0, 4, validate_args=False).log_prob(torch.tensor([5.0, 0.5])).isneginf().all()


def test_uniform_integers_need_their_bounds_in_order():
    with pytest.raises(ValueError, match="a greatest integer high below low"):
        dist.DiscreteUniform(3, 2)
    with pytest.raises(NotImplementedError, match="no common support to enumerate"):
        dist.DiscreteUniform(0, numbers(2, 3)).enumerate_support()


QUANTILES = {
    "Poisson": (dist.Poisson(numbers(0.3, 40.0)), stats.poisson(np.array([0.3, 40.0]))),
    "Binomial": (
        dist.Binomial(numbers(3, 900), numbers(0.7, 0.02)),
        stats.binom(np.array([3, 900]), np.array([0.7, 0.02])),
    ),
    "Geometric": (dist.Geometric(numbers(0.9, 0.004)), stats.geom([0.9, 0.004], -1)),
    "NegativeBinomial": (
        dist.NegativeBinomial(numbers(0.4, 30), numbers(0.3, 0.8)),
        stats.nbinom([0.4, 30], [0.7, 0.2]),
    ),
    "GammaPoisson": (dist.GammaPoisson(numbers(0.4, 30), numbers(2.0, 0.1)), stats.nbinom([0.4, 30], [2 / 3, 1 / 11])),
    "BetaBinomial": (
        dist.BetaBinomial(numbers(0.5, 3), numbers(2.0, 7), numbers(6, 200)),
        stats.betabinom(np.array([6, 200]), np.array([0.5, 3]), np.array([2.0, 7])),
    ),
    "HyperGeometric": (
        dist.HyperGeometric(numbers(20, 900), numbers(7, 300), numbers(15, 80)),
        stats.hypergeom(np.array([20, 900]), np.array([7, 300]), np.array([15, 80])),
    ),
}


@pytest.mark.parametrize("name", QUANTILES)
def test_quantiles_of_counts(name):
    fn, reference = QUANTILES[name]
    mass = torch.cat([torch.linspace(0.003, 0.997, 40), numbers(1e-9, 1 - 1e-9, 1)]).double().unsqueeze(-1)
    expected = torch.as_tensor(reference.ppf(mass.numpy()))
    assert torch.equal(fn.icdf(mass), expected)
    ends = fn.icdf(numbers(0, -0.1, 1.1).unsqueeze(-1))
    assert torch.equal(ends[0], torch.as_tensor(reference.support()[0], dtype=torch.double).expand(2))
    assert ends[1:].isnan().all()
    draws = fn.sample((50,))
    assert torch.equal(fn.icdf(fn.cdf(draws) * (1 - 1e-12)), draws)
