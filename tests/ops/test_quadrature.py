"""Quadrature against the moments of the standard normal distribution."""

import math

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.quadrature import get_quad_rule


@pytest.mark.parametrize("num", [1, 2, 5, 20])
def test_moments_are_exact(num):
    points, log_weights = get_quad_rule(num, torch.zeros((), dtype=torch.float64))
    assert points.dtype == log_weights.dtype == torch.float64
    for power in range(0, 2 * num, 2):
        moment = math.prod(range(1, power, 2))
        assert (log_weights.exp() * points**power).sum().item() == pytest.approx(moment, rel=1e-9)
    assert (log_weights.exp() * points).sum().item() == pytest.approx(0, abs=1e-12)


def test_no_points_are_refused():
    with pytest.raises(ArgumentError, match="num_quad=0"):
        get_quad_rule(0, torch.zeros(()))
