"""Many chains at once: they leave a density as it is, and find it from elsewhere."""

import math
from itertools import islice

import pytest
import torch
from scipy import stats

from virgil.ops.ensemble_hmc import Tuning, drawn, started, warmed_up

SIGNIFICANCE = 1e-6


def log_gamma(rows):
    """Of the logarithms of Gamma(2) variables."""
    return (2 * rows - rows.exp()).sum(1), 2 - rows.exp()


def test_draws_keep_the_law_that_they_begin_with():
    """Chains begun at exact draws have the same law after 20 draws: Kolmogorov-Smirnov at 1e-6 over 4,000 chains."""
    generator = torch.Generator().manual_seed(0)
    begun = torch.from_numpy(stats.gamma(2).rvs((4000, 1), random_state=0)).log()
    *_, (ensemble, divergent) = islice(drawn(log_gamma, started(log_gamma, begun), Tuning(0.9, 2.0), generator), 20)
    assert not divergent
    assert not torch.equal(ensemble.rows, begun)
    assert stats.kstest(ensemble.rows.exp().squeeze(1).numpy(), stats.gamma(2).cdf).pvalue > SIGNIFICANCE


def test_the_warm_up_finds_the_density_and_tunes_to_the_acceptance():
    generator = torch.Generator().manual_seed(0)
    sds = torch.tensor([1.0, 0.2, 3.0], dtype=torch.float64)

    def normal(rows):
        return -(rows / sds).square().sum(1) / 2, -rows / sds**2

    begun = started(normal, torch.full((64, 3), 5.0, dtype=torch.float64) + torch.randn(64, 3, generator=generator))
    moved, tuning = warmed_up(normal, begun, 200, generator, accept=0.8)
    assert 0.05 < tuning.step_size < 2 * 0.2  # leapfrog steps of a normal are stable up to two standard deviations
    assert tuning.length > 1.0
    rows = torch.stack([each.rows for each, _ in islice(drawn(normal, moved, tuning, generator), 200)])
    # the means of 12,800 draws, as if one in twenty were independent: six standard errors
    assert bool((rows.mean((0, 1)).abs() < 6 * sds / math.sqrt(640)).all())
    assert rows.std((0, 1)).numpy() == pytest.approx(sds.numpy(), rel=6 / math.sqrt(2 * 640))


def test_a_trajectory_that_leaves_the_density_is_counted_and_refused():
    def half(rows):
        inside = rows[:, 0] > 0
        return torch.where(inside, -rows[:, 0], -torch.inf), torch.where(inside[:, None], -torch.ones_like(rows), 0.0)

    begun = started(half, torch.full((50, 1), 0.01, dtype=torch.float64))
    ensemble, divergent = next(drawn(half, begun, Tuning(1.0, 1.0), torch.Generator().manual_seed(0)))
    assert divergent > 10
    assert bool((ensemble.rows > 0).all())
