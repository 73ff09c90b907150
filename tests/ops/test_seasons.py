"""Seasons against loops over time, and waves against their formula."""

import math

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.seasons import periodic_cumsum, periodic_features, periodic_repeat


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_repeating(size, dim):
    pattern = torch.randn(3, 3)
    found = periodic_repeat(pattern, size, dim)
    expected = torch.stack([pattern.select(dim, t % 3) for t in range(size)], dim)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("period", [1, 3, 4, 10])
def test_cumulative_sums(period, dim):
    steps = torch.randn(7, 7)
    found = periodic_cumsum(steps, period, dim)
    for t in range(7):
        before = found.select(dim, t - period) if t >= period else 0
        torch.testing.assert_close(found.select(dim, t), steps.select(dim, t) + before)


@pytest.mark.parametrize(("longest", "shortest"), [(None, None), (20.0, None), (9.5, 2.2), (7, 7)])
def test_waves(longest, shortest):
    found = periodic_features(11, longest, shortest, dtype=torch.float64)
    count = math.ceil((longest or 11) / (shortest or 2)) - 1
    assert found.shape == (11, 2 * count)
    for t in range(11):
        for k in range(1, count + 1):
            angle = 2 * math.pi * t * k / (longest or 11)
            assert found[t, k - 1].item() == pytest.approx(math.cos(angle), abs=1e-12)
            assert found[t, count + k - 1].item() == pytest.approx(-math.sin(angle), abs=1e-12)


def test_a_dtype_is_the_default_one_or_that_asked_for():
    assert periodic_features(5).dtype == torch.float32
    assert periodic_features(5, dtype=torch.float64).dtype == torch.float64


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="from 3 to 2"):
        periodic_features(5, 2, 3)
    with pytest.raises(ArgumentError, match="period=0"):
        periodic_cumsum(torch.ones(3), 0, 0)
