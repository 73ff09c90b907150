"""The law of an absolute value."""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError


def test_folded_takes_single_numbers():
    with pytest.raises(ShapeError, match="folds single numbers"):
        dist.FoldedDistribution(dist.Normal(torch.zeros(2), 1.0).to_event(1))
    fn = dist.FoldedDistribution(dist.Normal(1.0, 2.0))
    assert fn.cdf(torch.tensor(50.0)).item() == pytest.approx(1.0)
