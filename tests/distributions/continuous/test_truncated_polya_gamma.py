"""The Pólya-Gamma distribution below a bound. Samples are compared at a probability of 1e-6; the seed is fixed."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

import virgil.distributions as dist


def test_the_laplace_transform_is_that_of_the_logistic_augmentation():
    """E exp(-t x) = 1 / cosh(sqrt(t / 2)), but for the 6e-6 beyond the bound (Polson, Scott and Windle 2013)."""
    fn = dist.TruncatedPolyaGamma(torch.zeros((), dtype=torch.double))
    x = (torch.arange(20_000, dtype=torch.double) + 0.5) * 2.5 / 20_000
    mass = fn.log_prob(x).exp() * 2.5 / 20_000
    for t in (0.0, 0.5, 3.0, 20.0):
        assert (mass * (-t * x).exp()).sum().item() == pytest.approx(1 / math.cosh((t / 2) ** 0.5), abs=2e-5)
    below = mass.cumsum(0).numpy()

    def cdf(at):
        return below[(at / 2.5 * 20_000 - 0.5).round().astype(int).clip(0, 19_999)]

    assert stats.kstest(fn.sample((20_000,)).numpy(), cdf).pvalue > 1e-6


def test_moments_are_those_of_the_density():
    fn = dist.TruncatedPolyaGamma(torch.zeros((), dtype=torch.double)).expand((2,))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    x, weights = torch.as_tensor((nodes + 1) * 1.25), torch.as_tensor(weights * 1.25)
    mass = fn.log_prob(x.unsqueeze(-1)).exp()[:, 0] * weights
    mean = (mass * x).sum()
    assert fn.mean.tolist() == pytest.approx([mean.item()] * 2, rel=1e-9)
    assert fn.variance.tolist() == pytest.approx([(mass * (x - mean).square()).sum().item()] * 2, rel=1e-9)


def test_draws_have_the_dtype_of_the_prototype():
    fn = dist.TruncatedPolyaGamma(torch.zeros(3))
    assert fn.batch_shape == ()
    assert fn.sample((2,)).dtype is torch.float32
    assert fn.expand((5,)).log_prob(torch.tensor(0.3)).shape == (5,)
