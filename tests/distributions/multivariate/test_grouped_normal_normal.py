"""Grouped normals are the normal vector whose covariance the groups' means make, and give their posterior."""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError

GROUPS = torch.tensor([1, 0, 3, 1, 3, 3])  # none of the third group
ARGUMENTS = {
    "prior_loc": torch.tensor([[0.3, -1.0, 2.0, 0.5]], dtype=torch.double),
    "prior_scale": torch.tensor([[0.5, 2.0, 1.0, 3.0], [0.2, 1.0, 1.5, 1e-3]], dtype=torch.double),
    "obs_scale": torch.tensor([1.0, 0.4, 0.3, 1.2, 2.0, 1e-2], dtype=torch.double),
}


def joint():
    """Loadings of observations on groups, and the covariance of observations."""
    loadings = torch.nn.functional.one_hot(GROUPS, 4).double()
    prior = torch.diag_embed(ARGUMENTS["prior_scale"].square())
    return loadings, prior, loadings @ prior @ loadings.mT + torch.diag(ARGUMENTS["obs_scale"].square())


def test_the_density_is_that_of_the_normal_vector():
    torch.manual_seed(0)
    fn = dist.GroupedNormalNormal(**ARGUMENTS, group_idx=GROUPS)
    assert (fn.batch_shape, fn.event_shape) == ((2,), (6,))
    loadings, _, covariance = joint()
    normal = dist.MultivariateNormal((ARGUMENTS["prior_loc"] @ loadings.mT).expand(2, 6), covariance)
    x = fn.sample((3,))
    torch.testing.assert_close(fn.log_prob(x), normal.log_prob(x), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(fn.variance, normal.variance)
    assert fn.log_prob(x[0, 0]).shape == (2,)


def test_the_posterior_is_the_conditional_of_the_joint_normal():
    torch.manual_seed(0)
    fn = dist.GroupedNormalNormal(**ARGUMENTS, group_idx=GROUPS)
    x = fn.sample((3,))
    loadings, prior, covariance = joint()
    gain = prior @ loadings.mT @ torch.linalg.inv(covariance)
    residual = (x - ARGUMENTS["prior_loc"] @ loadings.mT).unsqueeze(-1)
    posterior = fn.get_posterior(x)
    assert isinstance(posterior, dist.Normal)
    expected = ARGUMENTS["prior_loc"] + (gain @ residual).squeeze(-1)
    torch.testing.assert_close(posterior.loc, expected, rtol=1e-7, atol=1e-7)
    variance = (prior - gain @ loadings @ prior).diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(posterior.variance[0], variance, rtol=1e-7, atol=1e-9)


def test_groups_that_are_not_there_are_refused():
    with pytest.raises(ArgumentError, match="outside of 0 to 3; prior_loc has 4 groups"):
        dist.GroupedNormalNormal(**ARGUMENTS, group_idx=GROUPS + 1)
    with pytest.raises(ShapeError, match=r"obs_scale of shape \(6,\) and a group_idx of shape \(5,\)"):
        dist.GroupedNormalNormal(**ARGUMENTS, group_idx=GROUPS[1:])
