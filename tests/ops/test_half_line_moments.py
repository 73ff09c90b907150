"""Moments of a normal density on the half line, against quadrature in arbitrary precision."""

import mpmath as mp
import pytest
import torch

from virgil.ops.half_line_moments import log_half_line_moment


def exact(loc, order):
    loc = mp.mpf(loc)
    peak = (loc + mp.sqrt(loc * loc + 4 * (order + 1))) / 2
    width = 1 / mp.sqrt(1 + (order + 1) / peak**2)
    top = order * mp.log(peak) - (peak - loc) ** 2 / 2

    def scaled(r):
        return mp.exp(order * mp.log(r) - (r - loc) ** 2 / 2 - top) if r > 0 else mp.mpf(0)

    edges = sorted({max(peak + width * c, mp.mpf(0)) for c in (-40, -10, -3, 0, 3, 10, 40, 80)} | {mp.mpf(0)})
    return mp.log(mp.quad(scaled, edges)) + top


@pytest.mark.parametrize("order", [1, 2, 3, 6, 40])
@pytest.mark.parametrize("loc", [-300.0, -12.5, -11.5, -3.0, 0.0, 0.5, 20.0])
def test_moments_and_their_derivatives_are_those_of_quadrature(order, loc):
    with mp.workdps(25):
        t = torch.tensor(loc, dtype=torch.double, requires_grad=True)
        value = log_half_line_moment(t, order)
        (slope,) = torch.autograd.grad(value, t)
        expected = exact(loc, order)
        assert value.item() == pytest.approx(float(expected), rel=1e-12, abs=1e-12)
        ratio = mp.exp(exact(loc, order + 1) - expected) - loc
        assert slope.item() == pytest.approx(float(ratio), rel=1e-10)


def test_order_zero_is_the_normal_distribution_function():
    t = torch.tensor([-40.0, 0.0, 3.0], dtype=torch.double)
    expected = torch.special.log_ndtr(t) + torch.log(torch.tensor(2 * torch.pi, dtype=torch.double)) / 2
    torch.testing.assert_close(log_half_line_moment(t, 0), expected)


def test_second_derivatives_follow():
    t = torch.tensor([-13.0, -1.0, 2.0], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: log_half_line_moment(t, 2), (t,))
    assert torch.autograd.gradgradcheck(lambda t: log_half_line_moment(t, 4), (t,))
