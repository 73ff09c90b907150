"""Slices are drawn whole, once or more often, all equally."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.resampling import resample


def test_without_replacement_each_comes_once():
    rows = torch.arange(12.0).reshape(6, 2)
    drawn = resample(rows, 6)
    assert sorted(drawn.tolist()) == rows.tolist()
    assert resample(rows, 1, dim=1).shape == (6, 1)


@pytest.mark.parametrize("replacement", [True, False])
def test_each_is_as_likely(replacement):
    """Counts of 3000 draws of thirds: six standard deviations are 155."""
    torch.manual_seed(0)
    places = torch.arange(3)
    num = 3000 if replacement else 1
    drawn = torch.cat([resample(places, num, replacement=replacement) for _ in range(3000 // num)])
    assert (drawn.bincount(minlength=3) - 1000).abs().max() < 155


def test_more_than_there_are_is_refused():
    with pytest.raises(ArgumentError, match="num_samples=4 of 3 along dim 0"):
        resample(torch.ones(3), 4)
