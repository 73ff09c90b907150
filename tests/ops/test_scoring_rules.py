"""Scores against their definitions as means over pairs, and as an integral."""

import numpy as np
import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.scoring_rules import crps_empirical, energy_score_empirical


@pytest.mark.parametrize("num", [1, 2, 17])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_crps_is_the_mean_over_pairs(num, shape):
    torch.manual_seed(num)
    pred, truth = torch.randn(num, *shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    expected = (pred - truth).abs().mean(0) - (pred - pred.unsqueeze(1)).abs().mean((0, 1)) / 2
    torch.testing.assert_close(crps_empirical(pred, truth), expected)


def test_crps_is_the_integral():
    torch.manual_seed(0)
    pred, truth = torch.randn(9, dtype=torch.float64), 0.4
    edges = np.sort(np.append(pred.numpy(), truth))
    inside = (edges[1:] + edges[:-1]) / 2
    heights = [((pred.numpy() <= x).mean() - (x >= truth)) ** 2 for x in inside]
    found = crps_empirical(pred, torch.tensor(truth, dtype=torch.float64))
    assert found.item() == pytest.approx(np.sum(heights * np.diff(edges)))


@pytest.mark.parametrize("batch_size", [None, 1, 4, 100])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_energy_score_is_the_mean_over_pairs(batch, batch_size):
    torch.manual_seed(0)
    pred = torch.randn(*batch, 11, 3, dtype=torch.float64)
    truth = torch.randn(*batch, 5, 3, dtype=torch.float64)
    to_truth = (pred.unsqueeze(-2) - truth.unsqueeze(-3)).norm(dim=-1).mean(-2)
    spread = (pred.unsqueeze(-2) - pred.unsqueeze(-3)).norm(dim=-1).mean((-2, -1)) / 2
    expected = to_truth - spread.unsqueeze(-1)
    torch.testing.assert_close(energy_score_empirical(pred, truth, batch_size), expected)
    torch.testing.assert_close(energy_score_empirical(pred, truth[..., 0, :], batch_size), expected[..., 0])


def test_of_one_entry_the_two_are_the_same():
    torch.manual_seed(0)
    pred, truth = torch.randn(8, dtype=torch.float64), torch.randn(1, dtype=torch.float64)
    found = energy_score_empirical(pred.unsqueeze(-1), truth)
    torch.testing.assert_close(found, crps_empirical(pred, truth.squeeze()))


def test_distances_may_be_others():
    pred, truth = torch.randn(5, 2), torch.randn(2)
    torch.testing.assert_close(
        energy_score_empirical(pred, truth, cdist=lambda a, b: 3 * torch.cdist(a, b)),
        3 * energy_score_empirical(pred, truth),
    )


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="one more dim on the left"):
        crps_empirical(torch.ones(4, 3), torch.ones(2))
    with pytest.raises(ArgumentError, match=r"\(\*batch, num, size\)"):
        energy_score_empirical(torch.ones(4, 3), torch.ones(2))
    with pytest.raises(ArgumentError, match="pred_batch_size=0"):
        energy_score_empirical(torch.ones(4, 3), torch.ones(3), 0)
