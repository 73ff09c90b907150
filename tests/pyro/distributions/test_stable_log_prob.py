"""How old programs set the quadrature of stable densities."""

import math

import pyro.distributions as dist
import pytest
import torch
from pyro.distributions.stable_log_prob import create_integrator, integrate, set_integrator

from virgil.distributions import Stable
from virgil.errors import ArgumentError


@pytest.fixture(autouse=True)
def points():
    before = Stable.num_points
    yield
    Stable.num_points = before


def test_an_integrator_takes_logarithms_over_intervals():
    ends = torch.tensor([[0.0, 1.0], [2.0, 3.0]], dtype=torch.double)
    for each in (create_integrator(20), integrate):
        found = each(lambda x: -x.square(), ends).exp()
        expected = math.sqrt(math.pi) / 2 * (torch.erf(ends[1]) - torch.erf(ends[0]))
        torch.testing.assert_close(found, expected)


def test_the_number_of_points_is_that_of_densities():
    fn = dist.Stable(torch.tensor(1.5), 0.3)
    before = fn.log_prob(torch.tensor(0.5))
    set_integrator(num_points=1001)
    assert fn.num_points == 1001
    torch.testing.assert_close(fn.log_prob(torch.tensor(0.5)), before)
    with pytest.raises(ArgumentError, match="A quadrature got num_points=0; it must be positive"):
        set_integrator(0)
