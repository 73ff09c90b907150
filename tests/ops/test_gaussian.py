"""Gaussian functions against densities of torch's normal distributions and against quadrature."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from virgil.errors import ArgumentError
from virgil.ops.affine_normal import (
    AffineNormal,
    matrix_and_gaussian_to_gaussian,
    matrix_and_mvn_to_gaussian,
    mvn_to_gaussian,
)
from virgil.ops.gaussian import Gaussian


def positive(*shape):
    root = torch.randn(*shape, shape[-1], dtype=torch.float64)
    return root @ root.mT + torch.eye(shape[-1], dtype=torch.float64)


def random_gaussian(size, batch=()):
    return Gaussian(
        torch.randn(batch, dtype=torch.float64),
        torch.randn(*batch, size, dtype=torch.float64),
        positive(*batch, size),
    )


def random_normal(size, batch=()):
    return MultivariateNormal(torch.randn(*batch, size, dtype=torch.float64), positive(*batch, size))


def close(found, expected):
    torch.testing.assert_close(found, expected)


def same(found, expected):
    close(found.expand(expected.batch_shape).log_normalizer, expected.log_normalizer)
    close(found.expand(expected.batch_shape).info_vec, expected.info_vec)
    close(found.expand(expected.batch_shape).precision, expected.precision)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_normal_distribution_has_its_density_and_integral_one(batch):
    mvn = random_normal(3, batch)
    gaussian = mvn_to_gaussian(mvn)
    x = torch.randn(*batch, 3, dtype=torch.float64)
    close(gaussian.log_density(x), mvn.log_prob(x))
    close(gaussian.event_logsumexp(), torch.zeros(batch, dtype=torch.float64))
    close(gaussian.rsample(noise=torch.zeros(*batch, 3, dtype=torch.float64)), mvn.mean)


def test_independent_normals_are_a_vector_too():
    mvn = Independent(Normal(torch.randn(3), torch.rand(3) + 0.5), 1)
    x = torch.randn(3)
    close(mvn_to_gaussian(mvn).log_density(x), mvn.log_prob(x))
    with pytest.raises(ArgumentError, match="it takes a MultivariateNormal"):
        mvn_to_gaussian(Normal(torch.zeros(3), 1.0))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_conditions_are_slices(count, batch):
    g = random_gaussian(3, batch)
    x = torch.randn(*batch, 3, dtype=torch.float64)
    right = g.condition(x[..., 3 - count :])
    left = g.left_condition(x[..., :count])
    assert right.dim() == left.dim() == 3 - count
    close(right.log_density(x[..., : 3 - count]), g.log_density(x))
    close(left.log_density(x[..., count:]), g.log_density(x))


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_marginal_is_the_integral_by_quadrature(side):
    g = random_gaussian(2)
    grid = torch.linspace(-30, 30, 6001, dtype=torch.float64)
    at = torch.full_like(grid, 0.3)
    pairs = torch.stack([grid, at] if side == "left" else [at, grid], -1)
    expected = (g.log_density(pairs).logsumexp(0) + math.log(0.01)).reshape(())
    close(g.marginalize(**{side: 1}).log_density(torch.tensor([0.3], dtype=torch.float64)), expected)


@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_integrals_agree_in_any_order(batch):
    g = random_gaussian(4, batch)
    total = g.event_logsumexp()
    close(g.marginalize(left=1).event_logsumexp(), total)
    close(g.marginalize(right=3).event_logsumexp(), total)
    x = torch.randn(*batch, 2, dtype=torch.float64)
    close(g.condition(x).event_logsumexp(), g.marginalize(left=2).log_density(x))
    close(g.left_condition(x).event_logsumexp(), g.marginalize(right=2).log_density(x))


def test_padding_permuting_and_products():
    g, h = random_gaussian(2), random_gaussian(3)
    x = torch.randn(5, dtype=torch.float64)
    joint = g.event_pad(right=3) + h.event_pad(left=2)
    close(joint.log_density(x), g.log_density(x[:2]) + h.log_density(x[2:]))
    order = torch.tensor([3, 0, 4, 1, 2])
    close(joint.event_permute(order).log_density(x[order]), joint.log_density(x))
    close((1.5 + joint - torch.tensor(0.5)).log_density(x), joint.log_density(x) + 1)


def test_batches():
    g = random_gaussian(2, (3, 4))
    x = torch.randn(2, dtype=torch.float64)
    close(g[1, :2].log_density(x), g.log_density(x)[1, :2])
    close(g[..., 0].log_density(x), g.log_density(x)[:, 0])
    close(g.reshape((4, 3)).log_density(x), g.log_density(x).reshape(4, 3))
    close(g.expand((2, 3, 4)).log_density(x), g.log_density(x).expand(2, 3, 4))
    close(Gaussian.cat([g, g[:, :1]], -1).log_density(x), torch.cat([g.log_density(x), g.log_density(x)[:, :1]], -1))


def test_draws_have_the_mean_and_covariance():
    """Of 40000 draws; the bound on each is more than 6 standard errors."""
    mvn = random_normal(2, (1,))
    draws = mvn_to_gaussian(mvn).rsample((40000,))
    assert draws.shape == (40000, 1, 2)
    error = (mvn.variance / 40000).sqrt()
    assert ((draws.mean(0) - mvn.mean).abs() < 6 * error).all()
    torch.testing.assert_close(torch.cov(draws[:, 0].mT), mvn.covariance_matrix[0], rtol=0.1, atol=0.1)


@pytest.mark.parametrize("batch", [(), (3,)])
@pytest.mark.parametrize("independent", [True, False])
def test_an_affine_function_with_noise(batch, independent):
    matrix = torch.randn(*batch, 2, 3, dtype=torch.float64)
    loc, scale = torch.randn(3, dtype=torch.float64), torch.rand(*batch, 3, dtype=torch.float64) + 0.5
    noise = Independent(Normal(loc.expand(scale.shape), scale), 1) if independent else random_normal(3, batch)
    g = matrix_and_mvn_to_gaussian(matrix, noise)
    assert isinstance(g, AffineNormal) == independent
    assert (g.dim(), g.batch_shape) == (5, batch)
    x, y = torch.randn(*batch, 2, dtype=torch.float64), torch.randn(*batch, 3, dtype=torch.float64)
    expected = noise.log_prob(y - (x.unsqueeze(-2) @ matrix).squeeze(-2))
    close(g.log_density(torch.cat([x, y], -1)), expected)
    close(g.condition(y).log_density(x), expected)
    close(g.left_condition(x).event_logsumexp(), torch.zeros(batch, dtype=torch.float64))
    close((g + 1.0).condition(y).log_density(x), expected + 1)


def test_affine_normals_are_the_gaussians_that_they_say():
    affine = AffineNormal(
        torch.randn(4, 2, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64), torch.ones(4, 3).double()
    )
    g, x = affine.to_gaussian(), torch.randn(4, 5, dtype=torch.float64)
    same(affine.condition(x[:, 2:]), g.condition(x[:, 2:]))
    same(affine.condition(x[:, 3:]), g.condition(x[:, 3:]))
    same(affine.left_condition(x[:, :1]), g.left_condition(x[:, :1]))
    same(affine.left_condition(x[:, :2]).to_gaussian(), g.left_condition(x[:, :2]))
    torch.testing.assert_close(
        affine.marginalize(right=3).precision, g.marginalize(right=3).precision, atol=1e-9, rtol=0
    )
    same(affine.marginalize(right=1), g.marginalize(right=1))
    same(affine.event_permute([4, 3, 2, 1, 0]), g.event_permute([4, 3, 2, 1, 0]))
    same(affine[1:3].to_gaussian(), g[1:3])
    same(affine.reshape((2, 2)).to_gaussian(), g.reshape((2, 2)))
    same(affine + affine, g + g)
    same(matrix_and_gaussian_to_gaussian(affine.matrix.new_zeros(0, 5), g), g)


def test_affine_normals_draw_y_for_a_given_x():
    affine = AffineNormal(torch.randn(2, 3), torch.randn(3), torch.rand(3) + 0.5)
    x, noise = torch.randn(2), torch.randn(4, 3)
    expected = x @ affine.matrix + affine.loc + affine.scale * noise
    close(affine.left_condition(x).rsample((4,), noise), expected)
    assert affine.left_condition(x).rsample((4,)).shape == (4, 3)
    with pytest.raises(ArgumentError, match="call left_condition"):
        affine.rsample()


def test_what_is_refused():
    g = random_gaussian(3)
    with pytest.raises(ArgumentError, match="entries on one side"):
        g.marginalize(left=1, right=1)
    with pytest.raises(ArgumentError, match="sizes 3 and 2"):
        g + random_gaussian(2)
    with pytest.raises(ArgumentError, match=r"precision of shape \(2, 2\)"):
        Gaussian(torch.zeros(()), torch.zeros(3), torch.eye(2))
    with pytest.raises(ArgumentError, match=r"an order of shape \(2,\)"):
        g.event_permute([0, 1])
