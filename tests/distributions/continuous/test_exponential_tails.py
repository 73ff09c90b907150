"""Families with two exponential tails, and the inverse Gaussian, where no law looks: quantiles, entropies, limits.

Samples are compared by Kolmogorov and Smirnov's test at a probability of 1e-6; seeds are fixed.
"""

import math

import pytest
import torch
from scipy import stats

import virgil.distributions as dist


def numbers(*values):
    return torch.tensor(values, dtype=torch.double)


LAPLACE = dist.AsymmetricLaplace(numbers(0.3), 0.7, 1.5)
SECANT = dist.SoftLaplace(numbers(0.3), 0.7)
SOFT = dist.SoftAsymmetricLaplace(numbers(0.3), 0.7, 1.5, 0.4)
GAUSSIAN = dist.ExGaussian(numbers(0.3), 0.7, 0.6)
INVERSE = dist.InverseGaussian(numbers(0.7), 2.0)
REFERENCES = [
    (LAPLACE, stats.laplace_asymmetric(1.5, 0.3, 0.7)),
    (SECANT, stats.hypsecant(0.3, 0.7)),
    (GAUSSIAN, stats.exponnorm(1 / 0.42, 0.3, 0.7)),
    (INVERSE, stats.invgauss(0.35, scale=2.0)),
]


@pytest.mark.parametrize(("fn", "reference"), REFERENCES)
def test_distribution_functions_are_those_of_scipy(fn, reference):
    x = numbers(0.05, 0.2, 0.3, 0.9, 4.0)
    torch.testing.assert_close(fn.cdf(x), torch.as_tensor(reference.cdf(x.numpy())), rtol=1e-9, atol=1e-12)
    assert stats.kstest(fn.sample((20_000,)).squeeze(-1).numpy(), reference.cdf).pvalue > 1e-6


@pytest.mark.parametrize(("fn", "reference"), REFERENCES[:2])
def test_quantiles_and_entropies_are_those_of_scipy(fn, reference):
    u = numbers(1e-12, 0.1, 0.5, 0.7, 0.999)
    torch.testing.assert_close(fn.icdf(u), torch.as_tensor(reference.ppf(u.numpy())), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(fn.cdf(fn.icdf(u)), u)
    assert fn.entropy().item() == pytest.approx(float(reference.entropy()), rel=1e-6)
    assert fn.mode.item() == pytest.approx(0.3)


def test_a_soft_laplace_density_is_the_derivative_of_its_distribution_function():
    x = numbers(-9.0, -0.4, 0.3, 0.8, 5.0).requires_grad_()
    (slope,) = torch.autograd.grad(SOFT.cdf(x).sum(), x)
    torch.testing.assert_close(slope, SOFT.log_prob(x).exp())
    assert SOFT.cdf(numbers(-60.0)).item() == pytest.approx(0.0, abs=1e-15)
    assert SOFT.cdf(numbers(60.0)).item() == pytest.approx(1.0)
    draws = SOFT.sample((20_000,)).squeeze(-1).numpy()
    assert stats.kstest(draws, lambda x: SOFT.cdf(torch.as_tensor(x)).numpy()).pvalue > 1e-6


def test_an_asymmetric_laplace_is_the_limit_without_softness():
    x = numbers(-3.0, 0.1, 0.5, 4.0)
    soft = dist.SoftAsymmetricLaplace(numbers(0.3), 0.7, 1.5, 1e-7)
    torch.testing.assert_close(soft.log_prob(x), LAPLACE.log_prob(x))
    torch.testing.assert_close(
        torch.stack([soft.left_scale, soft.right_scale]), torch.stack([LAPLACE.left_scale, LAPLACE.right_scale])
    )
    assert soft.soft_scale.item() == pytest.approx(0.7e-7)


@pytest.mark.parametrize("loc", [1e-4, 1.0, 1e6])
def test_inverse_gaussian_draws_are_right_where_variances_are_small_or_huge(loc):
    fn = dist.InverseGaussian(numbers(loc), 1.0)
    draws = fn.sample((20_000,)).squeeze(-1).numpy()
    reference = stats.invgauss(loc)
    assert stats.kstest(draws, reference.cdf).pvalue > 1e-6
    at = fn.mode.requires_grad_()
    (slope,) = torch.autograd.grad(fn.log_prob(at).sum(), at)
    assert slope.item() * fn.mode.item() == pytest.approx(0.0, abs=1e-5 * max(1.0, 1 / loc))


def test_an_inverse_gaussian_derivative_follows_the_quantile_far_out():
    loc, concentration = numbers(3.0).requires_grad_(), numbers(0.05).requires_grad_()
    x = dist.InverseGaussian(loc, concentration).rsample((20,))
    at = x.detach().clone()
    fn = dist.InverseGaussian(loc, concentration)
    for each in range(20):
        ours = torch.autograd.grad(x[each].sum(), (loc, concentration), retain_graph=True)
        mass = torch.autograd.grad(fn.cdf(at[each]).sum(), (loc, concentration))
        for mine, theirs in zip(ours, mass, strict=True):
            torch.testing.assert_close(mine, -theirs / fn.log_prob(at[each]).exp(), rtol=1e-6, atol=1e-9)


def test_an_affine_beta_has_its_ends():
    fn = dist.AffineBeta(numbers(0.01), 0.01, 3.0, 0.5)
    x = fn.rsample((2000,))
    assert ((x > fn.low) & (x < fn.high)).all()
    assert fn.log_prob(x).isfinite().all()
    assert fn.sample_size.item() == pytest.approx(0.02)
    fn = dist.AffineBeta(numbers(3.0), 2.0, 3.0, 0.5)
    assert fn.entropy().item() == pytest.approx(float(stats.beta(3, 2, 3, 0.5).entropy()))
    assert fn.mode.item() == pytest.approx(3 + 0.5 * 2 / 3)


def test_a_beta_proportion_has_its_mean():
    fn = dist.BetaProportion(numbers(0.3), 7.0)
    assert fn.mean.item() == 0.3
    assert fn.variance.item() == pytest.approx(0.3 * 0.7 / 8)
    assert fn.expand((4, 1)).mean.shape == (4, 1)
    assert math.isclose(dist.kl_divergence(fn, dist.Beta(numbers(2.1), 4.9)).item(), 0.0, abs_tol=1e-12)
