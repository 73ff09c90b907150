"""Logarithms against SciPy's and whole-number arithmetic."""

import math

import pytest
import scipy.special
import torch

from virgil.ops.beta_function import log_beta, log_binomial


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_beta_is_that_of_scipy(dtype):
    x, y = torch.logspace(-3, 7, 30, dtype=dtype), torch.logspace(3, -2, 30, dtype=dtype)
    expected = torch.from_numpy(scipy.special.betaln(x.double().numpy(), y.double().numpy()))
    torch.testing.assert_close(log_beta(x, y), expected.to(dtype), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (5, 2), (50, 50), (1000, 400)])
def test_log_binomial_is_the_logarithm_of_a_whole_number(n, k):
    found = log_binomial(torch.tensor(float(n)), torch.tensor(float(k)))
    assert found.item() == pytest.approx(math.log(math.comb(n, k)), rel=1e-6, abs=1e-6)
