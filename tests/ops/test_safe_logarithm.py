"""Values of the logarithm, and its derivative with a bound."""

import torch

from virgil.ops.safe_logarithm import safe_log


def test_values_and_derivatives():
    x = torch.tensor([0.0, 1e-30, 0.5, 3.0], requires_grad=True)
    value = safe_log(x)
    torch.testing.assert_close(value.detach(), x.detach().log())
    (gradient,) = torch.autograd.grad(value.sum(), x)
    bound = 1 / torch.finfo(torch.float32).eps
    torch.testing.assert_close(gradient, torch.tensor([bound, bound, 2.0, 1 / 3]))
