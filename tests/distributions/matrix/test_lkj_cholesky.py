"""The distribution of Lewandowski, Kurowicka and Joe: marginals and refused arguments."""

import pickle

import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.distributions.transforms import biject_to, transform_to
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


@pytest.mark.parametrize("dim", [2, 5, 30])
def test_a_factor_of_single_precision_is_one_in_double_precision(dim):
    torch.manual_seed(0)
    factor = dist.LKJCholesky(dim, 0.5).sample((100,)).double()
    fn = dist.LKJCholesky(dim, torch.tensor(0.5, dtype=torch.double))
    assert constraints.corr_cholesky.check(factor).all()
    torch.testing.assert_close(fn.log_prob(factor), dist.LKJCholesky(dim, 0.5).log_prob(factor), rtol=1e-5, atol=1e-4)
    for wrong in (1.001 * factor, factor.mT, torch.full_like(factor, torch.nan)):
        assert not constraints.corr_cholesky.check(wrong).any()
        with pytest.raises(ValueError, match="support"):
            fn.log_prob(wrong)


def test_it_is_found_as_torch_s_set_is():
    for registry in (biject_to, transform_to):
        ours, theirs = registry(constraints.corr_cholesky), registry(torch.distributions.constraints.corr_cholesky)
        assert type(ours) is type(theirs)
    assert dist.LKJCholesky(3).support is constraints.corr_cholesky
    assert pickle.loads(pickle.dumps(constraints.corr_cholesky)).check(torch.eye(3, dtype=torch.double))
