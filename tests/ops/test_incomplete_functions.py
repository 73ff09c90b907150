"""Incomplete gamma and beta functions and Student's tails, with derivatives by their parameters, against mpmath."""

import mpmath as mp
import pytest
import torch

from virgil.ops.gamma_remainder import stirling_remainder
from virgil.ops.incomplete_beta import beta_quantile_logit, log_incomplete_beta
from virgil.ops.incomplete_gamma import gamma_quantile, log_incomplete_gamma
from virgil.ops.student_tails import log_student_tail, student_quantile


def double(number):
    return torch.tensor(number, dtype=torch.double)


def agrees(fn, exact, *arguments, side, rel=1e-10):
    """Log-masses that are not rounded to zero, and their derivatives by each argument."""
    tensors = [double(each).requires_grad_() for each in arguments]
    found = fn(*tensors)[side]
    with mp.workdps(34):
        numbers = [mp.mpf(each) for each in arguments]
        assert found.item() == pytest.approx(float(exact(*numbers)), rel=rel)
        slopes = torch.autograd.grad(found, tensors)
        for index, slope in enumerate(slopes):
            step = (abs(numbers[index]) or 1) * mp.mpf(10) ** -11
            ends = [[*numbers[:index], numbers[index] + sign * step, *numbers[index + 1 :]] for sign in (1, -1)]
            expected = float((exact(*ends[0]) - exact(*ends[1])) / (2 * step))
            assert slope.item() == pytest.approx(expected, rel=rel, abs=1e-13)


@pytest.mark.parametrize("a", [1e-2, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("deviations", [-20, 0, 3])
def test_incomplete_gamma_functions_and_their_derivatives(a, deviations):
    x = a * float(mp.exp(deviations / (a + 1) ** 0.5))
    log_above = lambda a, x: mp.log(mp.gammainc(a, x, mp.inf, regularized=True))  # noqa: E731
    log_below = lambda a, x: mp.log(mp.gammainc(a, 0, x, regularized=True))  # noqa: E731
    for side, exact in ((0, log_below), (1, log_above)):
        if abs(exact(a, x)) > 1e-12:  # else it is 1 to within rounding
            agrees(log_incomplete_gamma, exact, a, x, side=side)


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.05), (2.0, 3.0), (40.0, 1.5), (40.0, 30.0)])
@pytest.mark.parametrize("deviations", [-9, 0, 1.5])
def test_incomplete_beta_functions_and_their_derivatives(a, b, deviations):
    y = float(mp.log(a / b)) + deviations * min(1.0, (1 / a + 1 / b) ** 0.5)

    def log_below(a, b, y):
        return mp.log(mp.betainc(a, b, 0, 1 / (1 + mp.exp(-y)), regularized=True))

    for side, exact in ((0, log_below), (1, lambda a, b, y: log_below(b, a, -y))):
        if abs(exact(a, b, y)) > 1e-12:
            agrees(log_incomplete_beta, exact, a, b, y, side=side)


@pytest.mark.parametrize("df", [0.4, 50.0])
@pytest.mark.parametrize("z", [-1e5, -0.1, 4.0])
def test_the_lower_tail_of_student(df, z):
    def exact(df, z):
        tail = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + z * z), regularized=True) / 2
        return mp.log(tail if z < 0 else 1 - tail)

    agrees(lambda df, z: (log_student_tail(df, z),), exact, df, z, side=0)
    p = double(0.01).requires_grad_()
    at = double(df).requires_grad_()
    x = student_quantile(at, p)
    assert log_student_tail(double(df), x).exp().item() == pytest.approx(0.01, rel=1e-12)
    moved = torch.autograd.grad(log_student_tail(at, x), (at, p), create_graph=False)
    assert moved[0].item() == pytest.approx(0.0, abs=1e-10)  # the mass stays
    assert moved[1].item() == pytest.approx(100.0, rel=1e-10)


def test_student_has_a_slope_at_its_median():
    z = double(0.0).requires_grad_()
    (slope,) = torch.autograd.grad(log_student_tail(double(1.0), z).exp(), z)
    assert slope.item() == pytest.approx(1 / torch.pi)
    assert student_quantile(double(2.0), double(0.5)).item() == pytest.approx(0.0, abs=1e-90)


@pytest.mark.parametrize("mass", [0.5, 1e-12])
@pytest.mark.parametrize("a", [0.05, 7.0, 1e5])
def test_quantiles_have_their_mass_and_move_with_the_shape(a, mass):
    for above in (False, True):
        shape = double(a).requires_grad_()
        x = gamma_quantile(shape, double(mass), above)
        if x == 0:  # it is too small for a number
            continue
        log_mass = log_incomplete_gamma(shape, x)[1 if above else 0]
        assert log_mass.item() == pytest.approx(double(mass).log().item(), rel=1e-11)
        assert torch.autograd.grad(log_mass, shape)[0].item() == pytest.approx(0.0, abs=1e-9)
    for b in (0.3, 1e4):
        ones, zeros = double(a).requires_grad_(), double(b).requires_grad_()
        log_mass = log_incomplete_beta(ones, zeros, beta_quantile_logit(ones, zeros, double(mass)))[0]
        assert log_mass.item() == pytest.approx(double(mass).log().item(), rel=1e-9)
        assert [each.item() for each in torch.autograd.grad(log_mass, (ones, zeros))] == pytest.approx(
            [0.0, 0.0], abs=1e-7
        )


def test_masses_at_the_ends():
    ends = double([0.0, torch.inf]).requires_grad_()
    shape = double(2.0).requires_grad_()
    below, above = log_incomplete_gamma(shape, ends)
    assert below.tolist() == [-torch.inf, 0.0]
    assert above.tolist() == [0.0, -torch.inf]
    left, right = log_incomplete_beta(shape, shape, double([-torch.inf, torch.inf]))
    assert left.tolist() == [-torch.inf, 0.0]
    assert right.tolist() == [0.0, -torch.inf]
    slopes = torch.autograd.grad(below.exp().sum() + above.exp().sum(), (shape, ends))
    assert not any(each.isnan().any() for each in slopes)


def test_second_derivatives_are_those_of_the_function():
    shape, x = double(2.3).requires_grad_(), double(1.9).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda a, x: log_incomplete_gamma(a, x)[0], (shape, x))


@pytest.mark.parametrize("a", [0.1, 5.0, 19.9, 20.1, 1e4, 1e12])
def test_the_remainder_of_stirling(a):
    with mp.workdps(40):
        exact = mp.loggamma(a) - (mp.mpf(a) - 0.5) * mp.log(a) + a - mp.log(2 * mp.pi) / 2
    assert stirling_remainder(double(a)).item() == pytest.approx(float(exact), rel=1e-11)
