"""WAIC against its formula in NumPy, weights against repeated draws."""

import numpy as np
import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.information_criterion import waic


def test_it_is_its_formula():
    torch.manual_seed(0)
    logs = torch.randn(40, 5, dtype=torch.float64) - 2
    lppd = np.log(np.exp(logs.numpy()).mean(0))
    parameters = logs.numpy().var(0, ddof=1)
    found = waic(logs)
    assert found[0].item() == pytest.approx(-2 * (lppd - parameters).sum())
    assert found[1].item() == pytest.approx(parameters.sum())
    pointwise = waic(logs.mT, pointwise=True, dim=1)
    torch.testing.assert_close(pointwise[0], torch.from_numpy(-2 * (lppd - parameters)))
    torch.testing.assert_close(pointwise[1], torch.from_numpy(parameters))


def test_a_weight_of_two_is_a_draw_that_came_twice():
    torch.manual_seed(0)
    logs = torch.randn(6, 5, dtype=torch.float64)
    times = torch.tensor([1, 2, 1, 3, 1, 1])
    weighted = waic(logs, log_weights=times.double().log())
    repeated = waic(logs.repeat_interleave(times, 0))
    torch.testing.assert_close(weighted[1] * 5 / 6, repeated[1] * 8 / 9)
    torch.testing.assert_close(weighted[0] - 2 * weighted[1], repeated[0] - 2 * repeated[1])


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="two or more draws along dim 0"):
        waic(torch.zeros(1, 3))
    with pytest.raises(ArgumentError, match="one weight for each"):
        waic(torch.zeros(2, 3), torch.zeros(3))
