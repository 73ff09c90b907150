"""The half-Cauchy density near the ends of the floating-point range."""

import math

import pytest
import torch

import virgil.distributions as dist


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_half_cauchy_at_extreme_scales(scale):
    # at x = scale the density is 1 / (pi * scale)
    log_prob = dist.HalfCauchy(scale).log_prob(torch.tensor(scale))
    assert log_prob.item() == pytest.approx(-math.log(math.pi) - math.log(scale), rel=1e-5)
    assert dist.HalfCauchy(scale, validate_args=False).log_prob(torch.tensor(-scale)).item() == -math.inf
