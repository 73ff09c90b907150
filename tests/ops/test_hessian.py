"""Second derivatives against closed forms and against torch's function of a function."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.hessian import hessian


def test_of_several_tensors():
    torch.manual_seed(0)
    x, y = torch.randn(2, 3, requires_grad=True), torch.randn(4, requires_grad=True)

    def fn(x, y):
        return (x.sin().sum() * y.square().sum()).exp().log1p() + x[0, 0] * y[1]

    (xx, xy), (yx, yy) = torch.autograd.functional.hessian(fn, (x, y))
    expected = torch.cat(
        [
            torch.cat([xx.reshape(6, 6), xy.reshape(6, 4)], 1),
            torch.cat([yx.reshape(4, 6), yy.reshape(4, 4)], 1),
        ]
    )
    torch.testing.assert_close(hessian(fn(x, y), [x, y]), expected)


def test_of_a_linear_function_is_zero():
    x, y = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)
    expected = torch.zeros(3, 3)
    expected[2, 2] = 2
    torch.testing.assert_close(hessian(3 * x.sum() + y.square().sum(), [x, y]), expected)
    torch.testing.assert_close(hessian(3 * x.sum(), x), torch.zeros(2, 2))


def test_it_has_a_derivative():
    x = torch.tensor(2.0, requires_grad=True)
    (third,) = torch.autograd.grad(hessian(x**3, x).sum(), x)
    torch.testing.assert_close(third, torch.tensor(6.0))


def test_what_is_refused():
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    with pytest.raises(ArgumentError, match=r"y of shape \(2,\)"):
        hessian(x * 2, x)
    with pytest.raises(ArgumentError, match=r"does not depend on xs\[1\]"):
        hessian(x.square().sum(), [x, y])
