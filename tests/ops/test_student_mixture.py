"""Mixtures of Student's t against SciPy, and their fit to weighted draws."""

import numpy as np
import pytest
import torch
from scipy import stats

from virgil.ops.population_monte_carlo import effective_number, evolved, population, tempered
from virgil.ops.student_mixture import StudentMixture

DF = 8
SIGNIFICANCE = 1e-6


def mixture() -> StudentMixture:
    return StudentMixture(
        torch.tensor([0.3, 0.7], dtype=torch.float64),
        torch.tensor([[0.0, 1.0], [3.0, -2.0]], dtype=torch.float64),
        torch.tensor([[[1.0, 0.0], [0.5, 0.8]], [[0.3, 0.0], [-0.2, 2.0]]], dtype=torch.float64),
    )


def round_one() -> StudentMixture:
    """One component about zero."""
    return StudentMixture(*(torch.tensor(each).double() for each in ([1.0], [[0.0, 0.0]], [[[1.0, 0.0], [0.0, 1.0]]])))


def reference(rows: np.ndarray) -> np.ndarray:
    made = mixture()
    return sum(
        float(share) * stats.multivariate_t(loc.numpy(), (factor @ factor.T).numpy(), df=DF).pdf(rows)
        for share, loc, factor in zip(made.shares, made.locs, made.scale_trils, strict=True)
    )


def test_log_density_is_scipys():
    rows = torch.tensor([[0.0, 0.0], [3.0, -2.0], [40.0, 7.0], [-1e3, 1e3]], dtype=torch.float64)
    assert torch.allclose(mixture().log_density(rows).exp(), torch.from_numpy(reference(rows.numpy())), rtol=1e-10)


def test_draws_have_its_marginals():
    """Each entry's distribution function at its draws is uniform: Kolmogorov-Smirnov at 1e-6, twice."""
    made, generator = mixture(), torch.Generator().manual_seed(0)
    rows = made.draw(20_000, generator).numpy()
    scales = (made.scale_trils @ made.scale_trils.mT).diagonal(dim1=1, dim2=2).sqrt()
    for entry in range(2):
        uniform = sum(
            float(share) * stats.t(DF, loc=float(loc[entry]), scale=float(scale[entry])).cdf(rows[:, entry])
            for share, loc, scale in zip(made.shares, made.locs, scales, strict=True)
        )
        assert stats.kstest(uniform, "uniform").pvalue > SIGNIFICANCE


def test_weighted_draws_have_the_moments_of_the_density():
    """Self-normalised means of draws of one mixture for another density, within six standard errors."""
    target = stats.multivariate_normal([1.0, -1.0], [[1.0, 0.6], [0.6, 2.0]])
    drawn = population(
        lambda rows: torch.from_numpy(target.logpdf(rows.numpy())), mixture(), 20_000, torch.Generator().manual_seed(1)
    )
    weights = drawn.log_weights.softmax(0)
    for value, right in ((drawn.rows[:, 0], 1.0), (drawn.rows[:, 1], -1.0), (drawn.rows[:, 0] ** 2, 2.0)):
        mean = weights @ value
        assert abs(mean - right) < 6 * float((weights * (value - mean)).square().sum().sqrt())


def test_a_mixture_learns_a_density_that_it_begins_far_from():
    covariance = [[1.0, 1.9], [1.9, 4.0]]
    target = stats.multivariate_normal([30.0, -10.0], covariance)
    found = evolved(
        lambda rows: torch.from_numpy(target.logpdf(rows.numpy())),
        round_one(),
        2000,
        60,
        torch.Generator().manual_seed(0),
    )
    assert found.efficiency > 0.5
    weights = found.log_weights.softmax(0)
    mean = weights @ found.rows
    away = found.rows - mean
    # weighted means and covariances of 1,000 draws or more, within six standard errors of the normal's
    assert torch.allclose(mean, torch.tensor([30.0, -10.0], dtype=torch.float64), atol=6 * 2 / 1000**0.5)
    matrix = (away * weights[:, None]).T @ away
    assert torch.allclose(matrix, torch.tensor(covariance, dtype=torch.float64), rtol=6 * (2 / 1000) ** 0.5)


def test_a_split_mixture_learns_a_curved_density():
    """A banana: the efficiency of one component, and of those that it is split into."""

    def banana(rows: torch.Tensor) -> torch.Tensor:
        return -(rows[:, 0] ** 2) / 2 - (rows[:, 1] - 2 * rows[:, 0] ** 2) ** 2 / 0.5

    generator = torch.Generator().manual_seed(0)
    alone = evolved(banana, round_one(), 4000, 10, generator)
    split = alone.mixture.split(alone.rows, alone.log_weights.softmax(0), 16, generator)
    several = evolved(banana, split, 4000, 20, generator)
    assert several.efficiency > 1.5 * alone.efficiency
    weights = several.log_weights.softmax(0)
    mean = weights @ several.rows[:, 1]  # 2 E[x^2]
    error = float((weights * (several.rows[:, 1] - mean)).square().sum().sqrt())
    assert abs(mean - 2.0) < 6 * error < 1.0


@pytest.mark.parametrize("least", [2.0, 10.0, 90.0])
def test_tempered_weights_are_worth_so_many_draws(least):
    given = torch.linspace(-50, 0, 100, dtype=torch.float64)  # which are worth four draws as they are
    weights = tempered(given, least)
    assert weights.sum() == pytest.approx(1.0)
    assert 1 / float(weights.square().sum()) == pytest.approx(max(least, effective_number(given)), rel=0.01)


def test_effective_number():
    assert effective_number(torch.zeros(7)) == pytest.approx(7.0)
    assert effective_number(torch.tensor([0.0, -torch.inf, -torch.inf])) == 1.0
    assert effective_number(torch.full((3,), -torch.inf)) == 0.0
