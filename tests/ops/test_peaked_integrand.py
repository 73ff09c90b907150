"""Integrals of peaks of unknown place and width, against closed forms."""

import math

import pytest
import torch

from virgil.ops.peaked_integrand import nodes_around_peak


@pytest.mark.parametrize("width", [1e-3, 1.0, 20.0])
@pytest.mark.parametrize("centre", [-150.0, 0.3, 77.0])
def test_a_normal_density_and_one_with_a_steep_flank(centre, width):
    def normal(x):
        return -(((x - centre) / width) ** 2) / 2 - math.log(width) - math.log(2 * math.pi) / 2

    def gumbel(x):
        z = (x - centre) / width
        return z - z.clamp_max(600.0).exp() - math.log(width)

    reach = torch.full((1,), 1000.0, dtype=torch.double)
    for log_density in (normal, gumbel):
        nodes, log_weights = nodes_around_peak(log_density, reach, 161)
        assert nodes.shape == log_weights.shape == (161,)
        assert torch.logsumexp(log_density(nodes) + log_weights, -1).item() == pytest.approx(0.0, abs=1e-10)
