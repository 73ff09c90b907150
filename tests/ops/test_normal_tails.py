"""Tails of the normal distribution in logarithms, against mpmath."""

import mpmath as mp
import pytest
import torch

from virgil.ops.normal_tails import log_exponential_normal, log_mills_ratio


@pytest.mark.parametrize("x", [-30.0, -3.0, -1e-3, 0.0, 0.5, 19.9, 20.1, 1e3, 1e8])
def test_the_ratio_and_its_derivative(x):
    def exact(x):
        return mp.log(mp.erfc(x / mp.sqrt(2)) / 2 * mp.exp(x * x / 2) * mp.sqrt(2 * mp.pi))

    leaf = torch.tensor(x, dtype=torch.double, requires_grad=True)
    ours = log_mills_ratio(leaf)
    with mp.workdps(60):
        assert ours.item() == pytest.approx(float(exact(mp.mpf(x))), rel=1e-13)
        step = mp.mpf(10) ** -20
        slope = (exact(mp.mpf(x) + step) - exact(mp.mpf(x) - step)) / (2 * step)
        assert torch.autograd.grad(ours, leaf)[0].item() == pytest.approx(float(slope), rel=1e-10)


@pytest.mark.parametrize("z", [-1e4, -30.0, 0.0, 5.0, 1e4])
@pytest.mark.parametrize("rate", [1e-6, 1.0, 1e3])
def test_a_normal_plus_an_exponential_number(z, rate):
    with mp.workdps(60):
        at, by = mp.mpf(z), mp.mpf(rate)
        exact = by**2 / 2 - by * at + mp.log(mp.erfc((by - at) / mp.sqrt(2)) / 2)
    ours = log_exponential_normal(torch.tensor(z, dtype=torch.double), torch.tensor(rate, dtype=torch.double))
    assert ours.item() == pytest.approx(float(exact), rel=1e-12, abs=1e-12)
