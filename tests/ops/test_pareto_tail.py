"""The fitted tail against the distribution whose quantiles it gets."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.pareto_tail import fit_generalized_pareto


@pytest.mark.parametrize("shape", [-0.4, 0.2, 0.7, 1.5])
@pytest.mark.parametrize("scale", [0.01, 3.0])
def test_the_fit_is_near_the_truth(shape, scale):
    """At evenly spaced quantiles there is no chance in it."""
    levels = (torch.arange(5000, dtype=torch.float64) + 0.5) / 5000
    draws = scale / shape * ((1 - levels).pow(-shape) - 1)
    k, sigma = fit_generalized_pareto(draws[torch.randperm(5000)])
    assert k == pytest.approx(shape, abs=0.02)
    assert sigma == pytest.approx(scale, rel=0.02)


def test_the_scale_of_draws_is_that_of_the_fit():
    torch.manual_seed(0)
    draws = torch.rand(40, dtype=torch.float64).reciprocal() - 1
    k, sigma = fit_generalized_pareto(draws)
    k_scaled, sigma_scaled = fit_generalized_pareto(7 * draws)
    assert k_scaled == pytest.approx(k)
    assert sigma_scaled == pytest.approx(7 * sigma)


@pytest.mark.parametrize("draws", [torch.ones(1), torch.tensor([1.0, -1.0]), torch.zeros(3), torch.ones(2, 2)])
def test_what_is_refused(draws):
    with pytest.raises(ArgumentError, match="a vector of two or more finite numbers"):
        fit_generalized_pareto(draws)
