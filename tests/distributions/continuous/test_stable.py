"""Stable distributions, which no law compares with anything: against closed forms and the characteristic function.

Draws are compared by `Z` standard errors or at a probability of 1e-6; seeds are fixed.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.errors import ArgumentError
from virgil.ops.stable_density import _log_integral, stable_log_density
from virgil.ops.stable_near_cauchy import CLOSE

Z = 5.6


def numbers(*values):
    return torch.tensor(values, dtype=torch.double)


def fourier(x, alpha, beta):
    """The log-density and its derivative by x: the integral of the characteristic function along a ray.

    The ray is turned so that the integrand decays without waves (Cauchy's theorem). At a stability of 1 it is the
    positive half-line.
    """
    side, turn = 1, 0.0
    if alpha == 1:
        log_t = np.linspace(-40, 5, 100_001)
        t = np.exp(log_t)
        exponent = 1j * x * t + t + 1j * t * beta * (2 / math.pi) * np.log(t)
    else:
        tangent = math.tan(math.pi * alpha / 2)
        side = 1 if x >= -beta * tangent else -1
        x, beta = side * x, side * beta
        turn = min(0.99 * math.pi / 2, 0.9 * (math.pi / 2 - math.atan(beta * tangent)) / alpha)
        log_t = np.linspace(-40, 12, 100_001)
        t = np.exp(log_t - 1j * turn)
        exponent = 1j * (x + beta * tangent) * t + t**alpha * (1 - 1j * beta * tangent)
    terms = t * np.exp(-np.where(exponent.real < 700, exponent, 700))
    density = terms.real.sum() * (log_t[1] - log_t[0]) / math.pi
    slope = side * (-1j * t * terms).real.sum() * (log_t[1] - log_t[0]) / math.pi
    return math.log(density), slope / density


CASES = [
    (0.3, 0.4, 2.0),
    (0.6, 0.0, 8.0),
    (0.8, 1.0, 1.0),
    (0.9, -0.6, 15.0),
    (0.97, -0.6, -6.0),
    (1.0, 0.5, 0.3),
    (1.0, -1.0, -2.0),
    (1.0, 0.0002, 8.0),
    (1.00005, -0.0002, -3.0),
    (1.0005, 0.6, 8.0),
    (1.03, -1.0, -0.3),
    (1.2, 0.3, -12.0),
    (1.4, 0.3, 0.001),
    (1.9, 1.0, -5.0),
    (1.97, 0.6, 8.0),
]


@pytest.mark.parametrize("case", CASES)
def test_the_density_and_its_derivative_are_those_of_the_characteristic_function(case):
    alpha, beta, x = case
    leaf = torch.tensor(x, dtype=torch.double, requires_grad=True)
    log_density = stable_log_density(leaf, *numbers(alpha, beta))
    expected, slope = fourier(x, alpha, beta)
    assert log_density.item() == pytest.approx(expected, rel=1e-10)
    assert torch.autograd.grad(log_density, leaf)[0].item() == pytest.approx(slope, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.76, 0.97, 1.0001, 1.24])
@pytest.mark.parametrize("beta", [-0.9, 0.0, 0.6, 1.0])
def test_the_formula_for_the_tail_continues_the_one_inside(alpha, beta):
    x = numbers(10.0, 40.0)
    inner = _log_integral(x, *numbers(alpha, beta).unsqueeze(-1).expand(2, 2), 201)
    torch.testing.assert_close(stable_log_density(x, *numbers(alpha, beta)), inner, rtol=1e-10, atol=1e-10)


def test_gradients_are_those_of_finite_differences():
    x = numbers(0.3, -2.0, 0.0, 5.0, 1e-3, 2.0, -3.0, 0.5)
    alpha = numbers(1.5, 0.8, 1.7, 1.1, 1.0, 1.00004, 1.0, 0.5)
    beta = numbers(0.3, -0.4, 0.0, 0.9, 0.2, 0.00001, -0.3, 0.0)
    leaves = [each.requires_grad_() for each in (x, alpha, beta)]
    assert torch.autograd.gradcheck(stable_log_density, leaves, atol=1e-7, rtol=1e-5)


FAR = numbers(-1e12, -30.0, -1.0, -1e-6, 0.0, 1e-20, 0.3, 2.0, 9.0, 1e5, 1e20)


def test_closed_forms_far_into_the_tails():
    cauchy = dist.Stable(numbers(1.0), 0.0, 2.0, 0.5)
    torch.testing.assert_close(
        cauchy.log_prob(FAR), dist.Cauchy(numbers(0.5), 2.0).log_prob(FAR), rtol=1e-10, atol=1e-10
    )
    x = numbers(-20.0, -3.0, 0.0, 0.5, 20.0)
    normal = dist.Stable(numbers(2.0), 0.7, 2.0, 0.5)
    torch.testing.assert_close(
        normal.log_prob(x), dist.Normal(numbers(0.5), 8.0**0.5).log_prob(x), rtol=1e-10, atol=1e-10
    )
    levy, x = dist.Stable(numbers(0.5), 1.0, 2.0, 0.5, coords="S"), numbers(0.51, 0.7, 3.0, 1e6, 1e12)
    expected = math.log(1 / math.pi) / 2 - 1.5 * (x - 0.5).log() - 1 / (x - 0.5)
    torch.testing.assert_close(levy.log_prob(x), expected, rtol=1e-10, atol=1e-10)
    assert levy.log_prob(numbers(0.4)).item() == -math.inf


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.2), (0.9, -0.5), (1.2, 0.0), (1.8, 0.9)])
def test_tails_fall_off_by_a_power(alpha, beta):
    """By alpha (1 + beta) sin(pi alpha / 2) gamma(alpha) x ** -(alpha + 1) / pi (Nolan 2020, theorem 1.2)."""
    x = numbers(1e60 if alpha < 1 else 1e25)
    constant = alpha * (1 + beta) * math.sin(math.pi * alpha / 2) * math.gamma(alpha) / math.pi
    expected = math.log(constant) - (alpha + 1) * x.log()
    torch.testing.assert_close(stable_log_density(x, numbers(alpha), numbers(beta)), expected, rtol=1e-10, atol=1e-9)


def test_single_precision_keeps_five_digits():
    x = torch.tensor([-50.0, -1.0, 0.0, 3.0, 1e6])
    for alpha, beta in ((0.5, 0.5), (1.0, 0.3), (1.3, -0.9), (1.99, 0.1)):
        single = dist.Stable(torch.tensor(alpha), beta).log_prob(x)
        double = dist.Stable(torch.tensor(alpha).double(), torch.tensor(beta).double()).log_prob(x.double())
        assert single.dtype is torch.float32
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.9 * CLOSE, 0.4])
def test_the_density_is_continuous_at_a_stability_of_one(beta):
    x = numbers(-40.0, -1.0, 0.2, 7.0)
    around = [stable_log_density(x, numbers(1 + step), numbers(beta)) for step in (-1e-9, 0.0, 1e-9)]
    torch.testing.assert_close(around[0], around[1], rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(around[2], around[1], rtol=1e-7, atol=1e-7)
    inside, outside = (stable_log_density(x, numbers(1 + CLOSE * (1 + e)), numbers(beta)) for e in (-1e-9, 1e-9))
    torch.testing.assert_close(inside, outside, rtol=1e-10, atol=1e-11)


def test_the_density_integrates_to_one():
    t = torch.linspace(-3.4, 3.4, 301, dtype=torch.double).unsqueeze(-1)
    x = torch.sinh(math.pi / 2 * torch.sinh(t))
    weight = 6.8 / 300 * math.pi / 2 * torch.cosh(math.pi / 2 * torch.sinh(t)) * torch.cosh(t)
    fn = dist.Stable(numbers(1.7, 0.9, 1.0), numbers(0.3, -0.6, 0.8), 1.5, 0.2)
    mass = (fn.log_prob(x).exp() * weight).sum(0)
    torch.testing.assert_close(mass, torch.ones(3, dtype=torch.double), rtol=0, atol=1e-8)


# ------------------------------------------------------------------------------------------------ draws


def characteristic(t, fn):
    size = fn.scale * t
    lean = fn.skew * torch.tan(math.pi / 2 * fn.stability)
    return (-(size**fn.stability)).exp(), fn.loc * t - lean * (size - size**fn.stability)


SETTINGS = {"stability": numbers(0.6, 0.95, 1.2, 1.9), "skew": numbers(0.5, -0.8, 1.0, -0.3)}


def test_draws_and_their_derivatives_have_the_characteristic_function():
    """The mean of cos(t X), and of its derivatives by all four parameters."""
    count, t = 20_000, 0.7
    params = {**SETTINGS, "scale": numbers(1.0, 0.5, 2.0, 1.3), "loc": numbers(0.3, 0.0, -1.0, 2.0)}
    exact = {name: each.clone().requires_grad_() for name, each in params.items()}
    size, phase = characteristic(t, dist.Stable(**exact))
    expected = size * phase.cos()
    slopes = torch.autograd.grad(expected.sum(), list(exact.values()))
    many = {name: each.expand(count, 4).clone().requires_grad_() for name, each in params.items()}
    drawn = (dist.Stable(**many).rsample() * t).cos()
    each_draw = torch.autograd.grad(drawn.sum(), list(many.values()))
    for ours, theirs in zip((drawn, *each_draw), (expected, *slopes), strict=True):
        assert ((ours.mean(0) - theirs).abs() <= Z * ours.std(0) / count**0.5).all()


def test_draws_have_the_closed_distribution_functions():
    cases = [
        (dist.Stable(1.0, 0.0, 2.0, 0.5), stats.cauchy(0.5, 2.0)),
        (dist.Stable(2.0, 0.4, 2.0, 0.5), stats.norm(0.5, 8.0**0.5)),
        (dist.Stable(0.5, 1.0, 2.0, 0.5, coords="S"), stats.levy(0.5, 2.0)),
    ]
    for fn, reference in cases:
        assert stats.kstest(fn.sample((20_000,)).numpy(), reference.cdf).pvalue > 1e-6


def test_draws_are_continuous_at_a_stability_of_one():
    drawn = []
    for stability in (1 - 1e-9, 1.0, 1 + 1e-9):
        torch.manual_seed(0)
        drawn.append(dist.Stable(numbers(stability), 0.7).rsample((200,)))
    torch.testing.assert_close(drawn[0], drawn[1], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(drawn[2], drawn[1], rtol=1e-6, atol=1e-6)


# ------------------------------------------------------------------------------------------------ parameters


def test_the_other_parametrisation_is_shifted():
    """S has its mean at the location; at a stability of 1 it is shifted by (2 / pi) skew scale log(scale)."""
    fn = dist.Stable(numbers(1.5, 1.0), 0.5, 2.0, 0.3, coords="S")
    shift = numbers(math.tan(math.pi * 0.75), 2 / math.pi * math.log(2.0))
    same = dist.Stable(fn.stability, 0.5, 2.0, 0.3 + shift)
    x = numbers(-1.0, 4.0)
    torch.testing.assert_close(fn.log_prob(x), same.log_prob(x))
    assert fn.mean[0].item() == pytest.approx(0.3)
    assert same.mean[0].item() == pytest.approx(0.3)
    assert fn.mean[1].isnan()
    assert fn.expand((3, 2)).coords == "S"


def test_moments_where_they_exist():
    fn = dist.Stable(numbers(0.7, 1.5, 2.0), 0.5, 2.0, 0.3)
    assert fn.variance.tolist() == [math.inf, math.inf, 8.0]
    assert fn.mean[0].isnan()
    assert fn.mean[2].item() == pytest.approx(0.3)
    with pytest.raises(ArgumentError, match="Stable got coords='S1'; it takes 'S0', which is continuous, or 'S'"):
        dist.Stable(1.0, 0.0, coords="S1")
