"""Figures of chains against sums written out, known processes, and arviz-stats."""

import numpy as np
import pytest
import torch

from virgil.errors import ArgumentError
from virgil.infer.trust.stats import array_stats
from virgil.ops.convergence import (
    autocorrelation,
    autocovariance,
    effective_sample_size,
    gelman_rubin,
    split_gelman_rubin,
)


def autoregressive(correlation, *shape):
    """Chains of variance one in which neighbours have this correlation."""
    torch.manual_seed(1)
    noise = torch.randn(*shape, dtype=torch.float64) * (1 - correlation**2) ** 0.5
    chain = [noise[..., 0] / (1 - correlation**2) ** 0.5]
    for step in noise[..., 1:].unbind(-1):
        chain.append(correlation * chain[-1] + step)
    return torch.stack(chain, -1)


@pytest.mark.parametrize("length", [1, 2, 7, 30])
def test_autocovariance_is_the_sum_of_products(length):
    torch.manual_seed(0)
    series = torch.randn(length, 3, dtype=torch.float64)
    centred = series - series.mean(0)
    expected = torch.stack([(centred[: length - lag] * centred[lag:]).sum(0) / (length - lag) for lag in range(length)])
    torch.testing.assert_close(autocovariance(series), expected)
    torch.testing.assert_close(autocovariance(series.mT, dim=-1), expected.mT)


def test_autocorrelation_of_constants_is_one():
    series = torch.stack([torch.full((5,), 0.1), torch.arange(5.0)], -1)
    found = autocorrelation(series)
    torch.testing.assert_close(found[:, 0], torch.ones(5))
    torch.testing.assert_close(found[0], torch.ones(2))
    torch.testing.assert_close(found[:, 1] * 2.0, autocovariance(series[:, 1]))


def test_r_hat_is_its_formula():
    torch.manual_seed(0)
    draws = torch.randn(20, 3, 4, dtype=torch.float64)
    for batch in range(4):
        chains = draws[..., batch].numpy()
        within, between = chains.var(0, ddof=1).mean(), chains.mean(0).var(ddof=1)
        expected = np.sqrt((within * 19 / 20 + between) / within)
        assert gelman_rubin(draws, chain_dim=1, sample_dim=0)[batch].item() == pytest.approx(expected)


def test_split_r_hat_sees_a_trend_and_leaves_the_middle_out():
    torch.manual_seed(0)
    chains = torch.randn(3, 41, dtype=torch.float64) + torch.linspace(-3, 3, 41, dtype=torch.float64)
    halves = torch.cat([chains[:, :20], chains[:, 21:]])
    torch.testing.assert_close(split_gelman_rubin(chains), gelman_rubin(halves))
    assert gelman_rubin(chains) < 1.05
    assert split_gelman_rubin(chains) > 1.5


def test_split_r_hat_is_that_of_arviz():
    chains = autoregressive(0.9, 4, 100)
    assert split_gelman_rubin(chains).item() == pytest.approx(float(array_stats().rhat(chains.numpy(), method="split")))


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.5, 0.8])
@pytest.mark.parametrize("count", [1, 4])
def test_the_effective_size_is_that_of_an_autoregressive_process(correlation, count):
    """It is ``n (1 - r) / (1 + r)``. Each size is a mean of 20, with a standard deviation of some 3 percent."""
    chains = autoregressive(correlation, 20, count, 2000)
    found = effective_sample_size(chains, chain_dim=1, sample_dim=2)
    assert found.shape == (20,)
    expected = count * 2000 * (1 - correlation) / (1 + correlation)
    assert found.mean().item() == pytest.approx(expected, rel=0.15)


def test_the_effective_size_of_long_chains_is_that_of_arviz():
    """The two differ in the weight of large lags and in the sum's last term."""
    chains = autoregressive(0.6, 4, 2000)
    assert effective_sample_size(chains).item() == pytest.approx(
        float(array_stats().ess(chains.numpy(), method="identity")), rel=0.03
    )


def test_the_effective_size_of_draws_that_are_all_the_same_is_not_a_number():
    assert effective_sample_size(torch.ones(2, 10)).isnan()
    assert effective_sample_size(torch.ones(1, 10)).isnan()


@pytest.mark.parametrize(
    ("fn", "shape", "words"),
    [
        (gelman_rubin, (1, 10), "got 1 chains of 10 draws; it takes 2 chains or more"),
        (split_gelman_rubin, (2, 3), "of 4 draws or more"),
        (effective_sample_size, (2, 1), "of 2 draws or more"),
        (gelman_rubin, (5,), "a dim of chains and a dim of draws"),
    ],
)
def test_too_few_are_refused(fn, shape, words):
    with pytest.raises(ArgumentError, match=words):
        fn(torch.zeros(shape))
