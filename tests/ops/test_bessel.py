"""Logarithms of Bessel functions against SciPy's scaled ones, and their derivatives against a recurrence."""

import numpy as np
import pytest
import scipy.special
import torch

from virgil.errors import ArgumentError
from virgil.ops.bessel import log_bessel_i


def test_values_are_those_of_scipy():
    value = torch.logspace(-6, 5, 60, dtype=torch.float64)
    found = log_bessel_i(20, value)
    for order in range(21):
        scaled = scipy.special.ive(order, value.numpy())
        is_seen = scaled > 1e-290
        np.testing.assert_allclose(
            found[order].numpy()[is_seen], (np.log(scaled[is_seen]) + value.numpy()[is_seen]), rtol=1e-12, atol=1e-14
        )


def test_small_arguments_follow_the_first_term():
    """``I_v(z)`` tends to ``(z / 2) ** v / v!``, which here is below the smallest float64."""
    value = torch.tensor([1e-30], dtype=torch.float64)
    order = 40
    expected = order * (value / 2).log() - torch.lgamma(torch.tensor(order + 1.0, dtype=torch.float64))
    torch.testing.assert_close(log_bessel_i(order, value)[order], expected)


def test_zero():
    expected = torch.tensor([0.0, -torch.inf, -torch.inf], dtype=torch.float64)
    torch.testing.assert_close(log_bessel_i(2, torch.zeros((), dtype=torch.float64)), expected)


def test_the_derivative_follows_the_recurrence():
    """``I_v' = (I_{v-1} + I_{v+1}) / 2``."""
    value = torch.tensor([0.3, 4.0, 70.0], dtype=torch.float64, requires_grad=True)
    logs = log_bessel_i(5, value)
    for order in range(1, 5):
        (found,) = torch.autograd.grad(logs[order].sum(), value, retain_graph=True)
        expected = ((logs[order - 1] - logs[order]).exp() + (logs[order + 1] - logs[order]).exp()) / 2
        torch.testing.assert_close(found, expected.detach())


def test_a_negative_order_is_refused():
    with pytest.raises(ArgumentError, match="orders=-1"):
        log_bessel_i(-1, torch.ones(1))
