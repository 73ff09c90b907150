"""Chain products against matrix products and against the reduction one after another."""

import pytest
import torch

from virgil.ops.chain import chain_product, log_matmul
from virgil.ops.semiring import MAXIMUM, SUM


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_the_sum_is_the_matrix_product(steps, batch):
    torch.manual_seed(steps)
    matrices = torch.rand(*batch, steps, 4, 4, dtype=torch.float64)
    product = torch.eye(4, dtype=torch.float64)
    for step in range(steps):
        product = product @ matrices[..., step, :, :]
    torch.testing.assert_close(chain_product(matrices.log()).exp(), product)


def test_the_maximum_is_the_best_path():
    torch.manual_seed(0)
    logs = torch.randn(6, 3, 3, dtype=torch.float64)
    best = logs[0]
    for step in logs[1:]:
        best = (best.unsqueeze(-1) + step.unsqueeze(-3)).amax(-2)
    torch.testing.assert_close(chain_product(logs, MAXIMUM), best)


def test_its_gradient_is_that_of_the_plain_formula():
    torch.manual_seed(1)
    logs = torch.randn(5, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: chain_product(x, SUM), (logs,))


@pytest.mark.parametrize("shift", [0.0, -1e4, 1e4])
def test_a_common_shift_does_no_harm(shift):
    torch.manual_seed(2)
    logs = torch.randn(7, 3, 3)
    torch.testing.assert_close(chain_product(logs + shift), chain_product(logs) + 7 * shift, rtol=1e-5, atol=1e-3)


def test_hard_zeros_stay_zeros_with_finite_gradients():
    logs = torch.tensor([[[0.0, -torch.inf], [-torch.inf, -torch.inf]]] * 3, requires_grad=True)
    product = chain_product(logs)
    assert torch.equal(product, torch.tensor([[0.0, -torch.inf], [-torch.inf, -torch.inf]]))
    (gradient,) = torch.autograd.grad(product.logsumexp((0, 1)), logs)
    assert torch.equal(gradient, torch.tensor([[[1.0, 0.0], [0.0, 0.0]]] * 3))


def test_entries_far_apart_in_single_precision_are_kept():
    left = torch.tensor([[0.0, -300.0]])
    right = torch.tensor([[-torch.inf], [0.0]])
    assert log_matmul(left, right).item() == -300.0
