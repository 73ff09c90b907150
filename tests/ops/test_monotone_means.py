"""Means under increasing functions, against plain formulas and mpmath."""

import mpmath
import pytest
import torch
from torch.nn import functional

from virgil.ops.monotone_means import MONOTONE_MEANS

PLAIN = {
    "ELU": (functional.elu, lambda u: torch.where(u > 0, u, u.log1p())),
    "LeakyReLU": (functional.leaky_relu, lambda u: torch.where(u > 0, u, 100 * u)),
    "sigmoid": (torch.sigmoid, torch.logit),
    "tanh": (torch.tanh, torch.atanh),
}
each_kind = pytest.mark.parametrize("kind", PLAIN)


def lines(count=5):
    generator = torch.Generator().manual_seed(1)
    weights, slopes, intercepts = torch.randn(3, count, 1, dtype=torch.double, generator=generator)
    return weights.log_softmax(0), slopes.exp(), intercepts


@each_kind
def test_the_mean_is_that_of_the_formula_and_the_slope_its_derivative(kind):
    apply, invert = PLAIN[kind]
    log_weights, slopes, intercepts = lines()
    x = torch.linspace(-2, 2, 41, dtype=torch.double).requires_grad_()
    z = slopes * x + intercepts
    mean, log_slope = MONOTONE_MEANS[kind](z, log_weights, slopes.log(), 0)
    torch.testing.assert_close(mean, invert((log_weights.exp() * apply(z)).sum(0)))
    (slope,) = torch.autograd.grad(mean.sum(), x)
    torch.testing.assert_close(log_slope, slope.log())


@each_kind
def test_the_mean_lies_between_the_numbers(kind):
    log_weights, slopes, intercepts = lines()
    z = slopes * torch.linspace(-300, 300, 61, dtype=torch.double) + intercepts
    mean, log_slope = MONOTONE_MEANS[kind](z, log_weights, slopes.log(), 0)
    assert ((z.amin(0) - 1e-9 <= mean) & (mean <= z.amax(0) + 1e-9)).all()
    assert log_slope.isfinite().all()


@pytest.mark.parametrize("at", [-60.0, -20.0, 0.3, 40.0])
def test_tails_keep_all_digits(at):
    """The plain formula has lost them: the mean of sigmoids is one to all digits."""
    log_weights, slopes, intercepts = lines()
    z = slopes * at + intercepts
    with mpmath.workdps(120):
        total = mpmath.fsum(
            mpmath.exp(w) / (1 + mpmath.exp(-mpmath.mpf(each)))
            for w, each in zip(log_weights.flatten().tolist(), z.flatten().tolist(), strict=True)
        )
        weights = mpmath.fsum(mpmath.exp(w) for w in log_weights.flatten().tolist())
        expected = float(mpmath.log(total / (weights - total)))
    mean, _ = MONOTONE_MEANS["sigmoid"](z, log_weights, slopes.log(), 0)
    assert mean.item() == pytest.approx(expected, rel=1e-12)
