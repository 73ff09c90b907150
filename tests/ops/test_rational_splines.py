"""Monotone rational splines, against their papers' formulas and zuko's."""

import pytest
import torch
import zuko

from virgil.ops.rational_splines import linear_rational_spline, quadratic_rational_spline

LEAST = 1e-3
BOUND = 3.0


def shares(*values):
    numbers = torch.tensor(values, dtype=torch.double)
    return numbers / numbers.sum()


WIDTHS, HEIGHTS = shares(1.0, 3.0, 0.5, 2.0), shares(2.0, 0.7, 1.0, 1.5)
SLOPES = torch.tensor([0.4, 2.5, 1.1], dtype=torch.double)
HALVES = torch.tensor([0.3, 0.9, 0.5, 0.1], dtype=torch.double)
X = torch.linspace(-3.5, 3.5, 141, dtype=torch.double)


def knots(shares):
    shares = LEAST + (1 - len(shares) * LEAST) * shares
    return torch.cat([torch.tensor([-BOUND]), 2 * BOUND * shares.cumsum(-1) - BOUND])


def linear(x, inverse=False):
    return linear_rational_spline(x, WIDTHS, HEIGHTS, SLOPES, HALVES, BOUND, inverse)


def quadratic(x, inverse=False):
    return quadratic_rational_spline(x, WIDTHS, HEIGHTS, SLOPES, BOUND, inverse)


each_order = pytest.mark.parametrize("spline", [linear, quadratic])


@each_order
def test_bins_end_where_they_should_with_the_slopes_given(spline):
    y, log_slope = spline(knots(WIDTHS))
    torch.testing.assert_close(y, knots(HEIGHTS))
    expected = torch.cat([torch.ones(1), SLOPES + LEAST, torch.ones(1)]).log()
    torch.testing.assert_close(log_slope, expected)


@each_order
def test_the_value_and_the_slope_are_continuous(spline):
    half = 0.025 + 0.95 * HALVES
    ends = knots(WIDTHS)
    places = torch.cat([ends, torch.lerp(ends[:-1], ends[1:], half)])
    below, above = spline(places - 1e-9), spline(places + 1e-9)
    torch.testing.assert_close(below[0], above[0], rtol=0, atol=1e-7)
    torch.testing.assert_close(below[1], above[1], rtol=0, atol=1e-6)


@each_order
def test_outside_it_is_the_identity(spline):
    x = torch.tensor([-1e30, -3.1, -3.0, 3.0, 3.1, torch.inf], dtype=torch.double)
    for inverse in (False, True):
        y, log_slope = spline(x, inverse)
        torch.testing.assert_close(y, x, rtol=0, atol=0)
        torch.testing.assert_close(log_slope, torch.zeros(6, dtype=torch.double), rtol=0, atol=1e-12)
    assert spline(torch.tensor([torch.nan]).double())[0].isnan()


@each_order
def test_it_increases_and_its_inverse_has_the_slope_at_the_point(spline):
    y, log_slope = spline(X)
    assert (y.diff() > 0).all()
    x, again = spline(y, inverse=True)
    torch.testing.assert_close(x, X)
    torch.testing.assert_close(again, log_slope)


def test_quadratic_pieces_are_those_of_zuko():
    torch.manual_seed(0)
    other = zuko.transforms.MonotonicRQSTransform(*torch.randn(2, 5).double(), torch.randn(4).double(), bound=BOUND)
    scale = 2 * BOUND * (1 - 5 * LEAST)
    widths, heights = (each.diff() / scale - LEAST / (1 - 5 * LEAST) for each in (other.horizontal, other.vertical))
    slopes = other.derivatives[1:-1] - LEAST
    y, log_slope = quadratic_rational_spline(X, widths, heights, slopes, BOUND)
    torch.testing.assert_close(y, other(X))
    torch.testing.assert_close(log_slope, other.log_abs_det_jacobian(X, y))


def test_linear_pieces_are_those_of_the_paper():
    """Dolatabadi et al. 2020, one point at a time in plain numbers."""
    across, up = knots(WIDTHS).tolist(), knots(HEIGHTS).tolist()
    slopes = [1.0, *(SLOPES + LEAST).tolist(), 1.0]
    for x in X[X.abs() < BOUND].tolist():
        k = max(each for each in range(4) if across[each] <= x)
        share = 0.025 + 0.95 * HALVES[k].item()
        width, height = across[k + 1] - across[k], up[k + 1] - up[k]
        first, last = 1.0, (slopes[k] / slopes[k + 1]) ** 0.5
        middle = (share * first * slopes[k] + (1 - share) * last * slopes[k + 1]) * width / height
        y_middle = (1 - share) * first * up[k] + share * last * up[k + 1]
        y_middle /= (1 - share) * first + share * last
        at = (x - across[k]) / width
        if at <= share:
            expected = (first * up[k] * (share - at) + middle * y_middle * at) / (first * (share - at) + middle * at)
        else:
            expected = middle * y_middle * (1 - at) + last * up[k + 1] * (at - share)
            expected /= middle * (1 - at) + last * (at - share)
        assert linear(torch.tensor([x], dtype=torch.double))[0].item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@each_order
def test_single_precision_keeps_the_inverse(spline):
    x = X.float()
    parameters = [each.float() for each in (WIDTHS, HEIGHTS, SLOPES)]
    fn = linear_rational_spline if spline is linear else quadratic_rational_spline
    parameters += [HALVES.float()] if spline is linear else []
    y, log_slope = fn(x, *parameters, bound=BOUND)
    torch.testing.assert_close(y.double(), spline(x.double())[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(log_slope.double(), spline(x.double())[1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fn(y, *parameters, bound=BOUND, inverse=True)[0], x, rtol=1e-5, atol=1e-5)


@each_order
def test_extreme_parameters_stay_finite(spline):
    narrow = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.double)
    steep, zeros = torch.tensor([0.0, 1e4, 0.0], dtype=torch.double), torch.zeros(4, dtype=torch.double)
    x = X.clone().requires_grad_()
    if spline is linear:
        y, log_slope = linear_rational_spline(x, narrow, narrow.flip(0), steep, zeros, BOUND)
    else:
        y, log_slope = quadratic_rational_spline(x, narrow, narrow.flip(0), steep, BOUND)
    (gradient,) = torch.autograd.grad(y.sum() + log_slope.sum(), x)
    assert (y.diff() > 0).all()
    assert gradient.isfinite().all()
