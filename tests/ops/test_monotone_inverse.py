"""The inverse of an increasing function, and its derivative."""

import torch

from virgil.ops.monotone_inverse import invert_increasing


def cubic(scale):
    return lambda x: (scale * (x + x**3), (scale * (1 + 3 * x**2)).log())


def bounds(y):
    return torch.full_like(y, -1e3), torch.full_like(y, 1e3)


def test_it_finds_the_point_of_each_value():
    x = torch.tensor([-700.0, -1.0, 0.0, 1e-8, 3.0, 999.0], dtype=torch.double)
    y, _ = cubic(2.0)(x)
    torch.testing.assert_close(invert_increasing(cubic(2.0), y, *bounds(y)), x, rtol=1e-14, atol=1e-14)


def test_a_steep_step_is_found_by_halving():
    fn = lambda x: (torch.tanh(1e6 * (x - 0.3)), (1e6 / torch.cosh(1e6 * (x - 0.3)) ** 2).log())  # noqa: E731
    y = torch.tensor([0.25], dtype=torch.double)
    found = invert_increasing(fn, y, torch.tensor([-1e3]).double(), torch.tensor([1e3]).double())
    torch.testing.assert_close(fn(found)[0], y, rtol=1e-6, atol=1e-6)


def test_what_is_no_value_between_the_bounds_is_nan():
    y = torch.tensor([1e30, -1e30, 5.0], dtype=torch.double)
    assert invert_increasing(cubic(1.0), y, *bounds(y)).isnan().tolist() == [True, True, False]


def test_its_derivative_is_that_of_the_implicit_function():
    scale = torch.tensor(2.0, dtype=torch.double, requires_grad=True)
    y = torch.tensor([-4.0, 0.5, 7.0], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda scale, y: invert_increasing(cubic(scale), y, *bounds(y)), (scale, y))
