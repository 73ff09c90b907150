"""Quantiles against NumPy's and brute force."""

import numpy as np
import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.quantiles import hpdi, pi, quantile, weighed_quantile

PROBS = [0.0, 0.13, 0.5, 0.77, 1.0]


@pytest.mark.parametrize("num", [1, 2, 7, 50])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_quantiles_are_those_of_numpy(num, dim):
    torch.manual_seed(num)
    draws = torch.randn(2, 3, 4, dtype=torch.float64).repeat_interleave(num, dim)
    draws = draws + torch.randn_like(draws)
    expected = torch.from_numpy(np.moveaxis(np.quantile(draws.numpy(), PROBS, axis=dim), 0, dim))
    torch.testing.assert_close(quantile(draws, PROBS, dim), expected)
    torch.testing.assert_close(quantile(draws, 0.3, dim), torch.from_numpy(np.quantile(draws.numpy(), 0.3, axis=dim)))


def test_quantiles_of_whole_numbers_and_of_infinity():
    assert quantile(torch.arange(4), 0.5).item() == 1.5
    assert quantile(torch.tensor([0.0, torch.inf]), 0.0).item() == 0.0


def test_equal_weights_give_plain_quantiles():
    torch.manual_seed(0)
    draws = torch.randn(4, 9, dtype=torch.float64)
    found = weighed_quantile(draws, PROBS, torch.full((9,), 3.0, dtype=torch.float64), dim=1)
    torch.testing.assert_close(found, quantile(draws, PROBS, 1))
    found = weighed_quantile(draws, 0.4, torch.zeros(9, dtype=torch.float64), dim=-1)
    torch.testing.assert_close(found, quantile(draws, 0.4, 1))


def test_weights_move_quantiles_as_interpolation_does():
    torch.manual_seed(0)
    draws, log_weights = torch.randn(30, dtype=torch.float64), torch.randn(30, dtype=torch.float64)
    order = draws.argsort()
    edges = log_weights.exp()[order].cumsum(0) - log_weights.exp()[order[0]]
    expected = np.interp(PROBS, (edges / edges[-1]).numpy(), draws[order].numpy())
    torch.testing.assert_close(weighed_quantile(draws, PROBS, log_weights), torch.from_numpy(expected))


def test_a_draw_without_weight_does_not_count():
    log_weights = torch.tensor([0.0, -torch.inf, 0.0, 0.0])
    found = weighed_quantile(torch.tensor([1.0, 1.5, 2.0, 3.0]), [0.5, 0.75], log_weights)
    torch.testing.assert_close(found, torch.tensor([2.0, 2.5]))


def test_the_percentile_interval_has_equal_tails():
    torch.testing.assert_close(pi(torch.arange(11.0), 0.8), torch.tensor([1.0, 9.0]))


@pytest.mark.parametrize("prob", [0.05, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("num", [1, 2, 10, 31])
def test_the_narrowest_interval_by_brute_force(prob, num):
    torch.manual_seed(num)
    draws = torch.randn(num, 3, dtype=torch.float64)
    found = hpdi(draws, prob)
    apart = min(int(prob * num + 1e-9), num - 1)
    for column in range(3):
        ordered = sorted(draws[:, column].tolist())
        best = min(((ordered[i], ordered[i + apart]) for i in range(num - apart)), key=lambda ends: ends[1] - ends[0])
        assert found[:, column].tolist() == list(best)
    torch.testing.assert_close(hpdi(draws.mT, prob, dim=1), found.mT)


def test_what_is_refused():
    with pytest.raises(ArgumentError, match=r"probabilities lie in \[0, 1\]"):
        quantile(torch.ones(3), 1.5)
    with pytest.raises(ArgumentError, match="one weight for each draw"):
        weighed_quantile(torch.ones(3), 0.5, torch.zeros(4))
