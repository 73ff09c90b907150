"""Chains of Gaussians against the joint distribution of all states."""

import pytest
import torch

from tests.ops.test_gaussian import random_gaussian, random_normal, same
from virgil.errors import ArgumentError
from virgil.ops.affine_normal import AffineNormal, matrix_and_mvn_to_gaussian, mvn_to_gaussian
from virgil.ops.gaussian import Gaussian
from virgil.ops.gaussian_chain import (
    gaussian_tensordot,
    sequential_gaussian_filter_sample,
    sequential_gaussian_tensordot,
)


def chain(duration, size, batch=()):
    torch.manual_seed(duration)
    matrix = 0.5 * torch.randn(*batch, duration, size, size, dtype=torch.float64)
    return matrix_and_mvn_to_gaussian(matrix, random_normal(size, (*batch, duration)))


def joint_of(steps, size):
    """All states at once."""
    duration = steps.batch_shape[-1]
    total = steps[..., 0].event_pad(right=(duration - 1) * size)
    for t in range(1, duration):
        total = total + steps[..., t].event_pad(left=t * size, right=(duration - 1 - t) * size)
    return total


@pytest.mark.parametrize("dims", [0, 1, 2])
@pytest.mark.parametrize(("x_batch", "y_batch"), [((), ()), ((3,), (2, 1))])
def test_a_product_integrated_over_the_middle(dims, x_batch, y_batch):
    x, y = random_gaussian(dims + 1, x_batch), random_gaussian(dims + 2, y_batch)
    found = gaussian_tensordot(x, y, dims)
    assert found.dim() == 3
    value = torch.randn(3, dtype=torch.float64)
    middle = x.left_condition(value[:1]) + y.condition(value[1:])
    torch.testing.assert_close(found.log_density(value), middle.event_logsumexp())


@pytest.mark.parametrize("duration", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_chain_is_contracted_as_one_after_another(duration, batch):
    steps = chain(duration, 2, batch)
    total = steps[..., 0]
    for t in range(1, duration):
        total = gaussian_tensordot(total, steps[..., t], 2)
    same(sequential_gaussian_tensordot(steps), total)


@pytest.mark.parametrize("duration", [1, 2, 3, 6, 8])
def test_draws_without_noise_are_the_mean_and_noise_has_the_covariance(duration):
    init, steps = mvn_to_gaussian(random_normal(2)), chain(duration, 2)
    joint = init.event_pad(right=2 * duration) + joint_of(steps, 2)
    covariance = joint.precision.inverse()
    mean = (covariance @ joint.info_vec.unsqueeze(-1)).squeeze(-1)
    count = 2 * (duration + 1)
    zeros = torch.zeros(duration + 1, 2, dtype=torch.float64)
    found = sequential_gaussian_filter_sample(init, steps, noise=zeros)
    torch.testing.assert_close(found.flatten(), mean)
    # the draw is linear in the noise: each unit vector gives a column of a root of the covariance
    units = torch.eye(count, dtype=torch.float64).reshape(count, duration + 1, 2)
    root = sequential_gaussian_filter_sample(init, steps, (count,), units).flatten(-2) - mean
    torch.testing.assert_close(root.mT @ root, covariance)


def test_draws_have_sample_and_batch_shapes():
    init = mvn_to_gaussian(random_normal(2, (3, 1)))
    steps = chain(5, 2, (4,))
    assert sequential_gaussian_filter_sample(init, steps, (6,)).shape == (6, 3, 4, 6, 2)


def test_noise_that_is_independent():
    affine = AffineNormal(
        torch.randn(4, 2, 2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64), torch.ones(4, 2).double()
    )
    same(sequential_gaussian_tensordot(affine), sequential_gaussian_tensordot(affine.to_gaussian()))


def test_a_long_chain_in_single_precision():
    """Precisions of 200 cancel to one of 2 in ten rounds, with a rounding of a few units of 1e-7 each."""
    matrix = torch.eye(2).expand(1000, 2, 2)
    steps = AffineNormal(0.99 * matrix, torch.zeros(2), torch.full((1000, 2), 0.1))
    init = Gaussian(torch.zeros(()), torch.zeros(2), torch.eye(2)).event_pad(right=2)
    total = sequential_gaussian_tensordot(steps) + init
    variance = torch.tensor(1.0)
    for _ in range(1000):
        variance = 0.99**2 * variance + 0.01
    torch.testing.assert_close(
        total.marginalize(left=2).precision.diag().reciprocal(), variance.expand(2), rtol=5e-3, atol=0
    )


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="dims=3 for vectors of sizes 2 and 4"):
        gaussian_tensordot(random_gaussian(2), random_gaussian(4), 3)
    with pytest.raises(ArgumentError, match="two states of one size"):
        sequential_gaussian_tensordot(random_gaussian(3, (5,)))
    with pytest.raises(ArgumentError, match=r"batch shape \(\)"):
        sequential_gaussian_tensordot(random_gaussian(2))
