"""Gaussian functions with an unknown factor of precision, against torch's densities and Gaussians at each factor."""

import pytest
import torch
from torch.distributions import Gamma as GammaDistribution

from tests.ops.test_gaussian import positive, random_normal
from virgil.errors import ArgumentError
from virgil.ops.gamma_gaussian import (
    Gamma,
    GammaGaussian,
    gamma_and_mvn_to_gamma_gaussian,
    gamma_gaussian_tensordot,
    matrix_and_mvn_to_gamma_gaussian,
    scale_mvn,
)
from virgil.ops.gaussian import Gaussian


def close(found, expected):
    torch.testing.assert_close(found, expected)


def numbers(*batch):
    return torch.rand(batch, dtype=torch.float64) + 0.5


def random_gamma_gaussian(size, batch=()):
    vector = torch.randn(*batch, size, dtype=torch.float64)
    return GammaGaussian(numbers(*batch), vector, positive(*batch, size), 2 + numbers(*batch), 9 + numbers(*batch))


def at(g, s):
    """The Gaussian function that it is at one factor."""
    logs = g.log_normalizer + g.alpha * s.log() - s * g.beta
    return Gaussian(logs, s.unsqueeze(-1) * g.info_vec, s[..., None, None] * g.precision)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_joint_density_and_its_integrals(batch):
    gamma, mvn = GammaDistribution(numbers(*batch) + 1, numbers(*batch)), random_normal(2, batch)
    g = gamma_and_mvn_to_gamma_gaussian(gamma, mvn)
    x, s = torch.randn(*batch, 2, dtype=torch.float64), numbers(*batch)
    close(g.log_density(x, s), scale_mvn(mvn, s).log_prob(x) + gamma.log_prob(s))
    marginal = g.event_logsumexp()
    close(marginal.log_density(s), gamma.log_prob(s))
    close(marginal.logsumexp(), torch.zeros(batch, dtype=torch.float64))


def test_a_gamma_function_is_its_distribution():
    gamma = GammaDistribution(numbers(4) + 1, numbers(4))
    function = Gamma(torch.zeros(4, dtype=torch.float64), gamma.concentration, gamma.rate)
    s = numbers(4)
    close(function.log_density(s) - function.logsumexp(), gamma.log_prob(s))


@pytest.mark.parametrize("batch", [(), (3,)])
def test_an_affine_function_with_noise(batch):
    matrix, mvn, s = torch.randn(*batch, 2, 3, dtype=torch.float64), random_normal(3, batch), numbers(*batch)
    g = matrix_and_mvn_to_gamma_gaussian(matrix, mvn)
    assert (g.dim(), g.batch_shape) == (5, batch)
    x, y = torch.randn(*batch, 2, dtype=torch.float64), torch.randn(*batch, 3, dtype=torch.float64)
    expected = scale_mvn(mvn, s).log_prob(y - (x.unsqueeze(-2) @ matrix).squeeze(-2))
    close(g.log_density(torch.cat([x, y], -1), s), expected)


@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_at_each_factor_it_does_as_the_gaussian_does(batch):
    g, h, s = random_gamma_gaussian(4, batch), random_gamma_gaussian(4, batch), numbers(*batch)
    x, part = torch.randn(*batch, 4, dtype=torch.float64), torch.randn(*batch, 2, dtype=torch.float64)
    close(g.log_density(x, s), at(g, s).log_density(x))
    close(g.condition(part).log_density(part, s), at(g, s).condition(part).log_density(part))
    close(g.marginalize(left=2).log_density(part, s), at(g, s).marginalize(left=2).log_density(part))
    close(g.marginalize(right=2).log_density(part, s), at(g, s).marginalize(right=2).log_density(part))
    close(g.event_logsumexp().log_density(s), at(g, s).event_logsumexp())
    close((g + h).log_density(x, s), g.log_density(x, s) + h.log_density(x, s))
    close(g.event_pad(left=1).log_density(torch.cat([part[..., :1], x], -1), s), g.log_density(x, s))
    close(g.event_permute([2, 0, 3, 1]).log_density(x[..., [2, 0, 3, 1]], s), g.log_density(x, s))


def test_batches():
    g, s = random_gamma_gaussian(2, (3, 4)), torch.tensor(0.7, dtype=torch.float64)
    x = torch.randn(2, dtype=torch.float64)
    whole = g.log_density(x, s)
    close(g[1, :2].log_density(x, s), whole[1, :2])
    close(g.reshape((12,)).log_density(x, s), whole.flatten())
    close(g.expand((2, 3, 4)).log_density(x, s), whole.expand(2, 3, 4))
    close(GammaGaussian.cat([g, g[:, :1]], -1).log_density(x, s), torch.cat([whole, whole[:, :1]], -1))


@pytest.mark.parametrize("dims", [0, 1, 2])
def test_a_product_integrated_over_the_middle(dims):
    x, y, s = random_gamma_gaussian(dims + 1), random_gamma_gaussian(dims + 1), numbers()
    value = torch.randn(2, dtype=torch.float64)
    joint = at(x, s).left_condition(value[:1]) + at(y, s).condition(value[1:])
    close(gamma_gaussian_tensordot(x, y, dims).log_density(value, s), joint.event_logsumexp())


def test_too_many_shared_entries_are_refused():
    with pytest.raises(ArgumentError, match="dims=3 for vectors of sizes 2 and 4"):
        gamma_gaussian_tensordot(random_gamma_gaussian(2), random_gamma_gaussian(4), 3)
