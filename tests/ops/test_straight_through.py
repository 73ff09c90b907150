"""Bounds that leave derivatives alone."""

import torch

from virgil.ops.straight_through import clamp_preserve_gradients


def test_values_stay_between_bounds_and_derivatives_are_one():
    x = torch.tensor([-2.0, 0.3, 7.0], requires_grad=True)
    y = clamp_preserve_gradients(x, -1.0, 1.0)
    torch.testing.assert_close(y, torch.tensor([-1.0, 0.3, 1.0]))
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones(3))
