"""Every map can be part of a captured step: its image, its inverse image, the log-determinants, and their derivatives.

What was recorded at some values and parameters is compared with the map itself at others, so that nothing may be baked
in.
"""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from tests.engine.test_families import assert_captured
from tests.laws.transforms import ROWS

# Newton's method takes 60 steps for each entry: the graph of an inverse image is thousands of operators long
_SLOW = ("BlockAutoregressive", "NeuralAutoregressive", "Planar maps", "Polynomial", "Sylvester")
BY_NEWTON = [name for name in ROWS if any(slow in name for slow in _SLOW)]


class _Passes(nn.Module):
    def __init__(self, transform, inverse):
        super().__init__()
        self.transform = transform if isinstance(transform, nn.Module) else None
        self.map = [transform.inv if inverse else transform]

    def forward(self, x):
        (given,) = self.map
        y = given(x)
        return y, given.log_abs_det_jacobian(x, y)


def _assert_captured(name, inverse):
    transform = ROWS[name].make()
    x = ROWS[name].x
    x = transform(x).detach() if inverse else x
    passes = _Passes(transform, inverse)
    learnt = {key: value.detach() for key, value in passes.named_parameters()}

    def fn(learnt, x):
        leaves = {key: value.detach().requires_grad_() for key, value in learnt.items()}
        x = x.detach().requires_grad_()
        y, total = functional_call(passes, leaves, (x,))
        gradients = torch.autograd.grad(y.sin().sum() + total.sum(), [x, *leaves.values()], allow_unused=True)
        return y.detach(), total.detach(), [each for each in gradients if each is not None]

    others = {key: value * 0.9 for key, value in learnt.items()}, x * 0.9
    assert_captured(fn, (learnt, x), others)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.onto])
def test_an_image_and_its_density_are_captured(name):
    _assert_captured(name, inverse=False)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.onto and name not in BY_NEWTON])
def test_an_inverse_image_and_its_density_are_captured(name):
    _assert_captured(name, inverse=True)
