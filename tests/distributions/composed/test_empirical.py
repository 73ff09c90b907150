"""Weighted samples: ties, vectors, shapes that do not fit."""

import math

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError


def test_empirical_counts_ties_together():
    fn = dist.Empirical(torch.tensor([1.0, 1.0, 4.0]), torch.zeros(3))
    assert fn.log_prob(torch.tensor(1.0)).exp().item() == pytest.approx(2 / 3)
    assert fn.log_prob(torch.tensor(2.0)).item() == -math.inf
    assert fn.mean.item() == pytest.approx(2.0)
    assert fn.variance.item() == pytest.approx(2.0)
    assert fn.enumerate_support().tolist() == [1.0, 1.0, 4.0]
    assert not fn.has_enumerate_support
    assert fn.sample_size == 3
    rows = dist.Empirical(torch.tensor([[1.0, 2.0], [1.0, 3.0]]), torch.tensor([0.0, math.log(3.0)]))
    assert (rows.batch_shape, rows.event_shape) == ((), (2,))
    assert rows.log_prob(torch.tensor([1.0, 3.0])).exp().item() == pytest.approx(0.75)
    assert rows.has_enumerate_support
    with pytest.raises(ShapeError, match="must be the left part"):
        dist.Empirical(torch.zeros(3), torch.zeros(4))
