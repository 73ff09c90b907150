"""Ratios of gamma functions, against mpmath."""

import mpmath as mp
import pytest
import torch

from virgil.ops.gamma_ratio import log_gamma_ratio


@pytest.mark.parametrize("halves", [0, 1, 2, 3, 8, 11])
def test_ratios_are_those_of_mpmath(halves):
    a = torch.tensor([1e-8, 0.1, 1.0, 5.0, 30.0, 1e6, 1e12], dtype=torch.double, requires_grad=True)
    value = log_gamma_ratio(a, halves)
    (slopes,) = torch.autograd.grad(value.sum(), a, allow_unused=True, materialize_grads=True)
    with mp.workdps(40):
        for entry, (ours, slope) in enumerate(zip(value.tolist(), slopes.tolist(), strict=True)):
            at = mp.mpf(a[entry].item())
            assert ours == pytest.approx(float(mp.loggamma(at + mp.mpf(halves) / 2) - mp.loggamma(at)), rel=1e-13)
            assert slope == pytest.approx(float(mp.digamma(at + mp.mpf(halves) / 2) - mp.digamma(at)), rel=1e-11)
