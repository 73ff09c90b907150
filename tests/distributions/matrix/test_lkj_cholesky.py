"""The distribution of Lewandowski, Kurowicka and Joe: marginals and refused arguments."""

import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.errors import ArgumentError


def test_correlations_under_lkj_are_beta():
    """Each off-diagonal entry r has (r + 1) / 2 ~ Beta(a, a), a = concentration + dim / 2 - 1 (section 3.2).

    Of 20,000 draws the mean and the mean square lie within 5 standard errors: a false alarm in 10^6.
    """
    torch.manual_seed(0)
    for dim, concentration in ((2, 1), (4, 2.5)):
        factor = dist.LKJCholesky(dim, concentration).sample((20_000,))
        entries = (factor @ factor.mT)[:, 0, 1:].double()
        a = concentration + dim / 2 - 1
        marginal = stats.beta(a, a, loc=-1, scale=2)
        for power in (1, 2):
            error = (marginal.moment(2 * power) - marginal.moment(power) ** 2) ** 0.5 / 20_000**0.5
            assert entries.pow(power).mean(0).numpy() == pytest.approx(marginal.moment(power), abs=5 * error)


def test_few_rows_and_negative_concentrations_are_refused():
    with pytest.raises(ArgumentError, match="dim=1; it takes a number of rows, 2 or more"):
        dist.LKJCholesky(1)
    with pytest.raises(ValueError, match="parameter concentration"):
        dist.LKJCholesky(3, -1.0)
