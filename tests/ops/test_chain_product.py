"""Chain products against matrix products and against the reduction one after another, in both forms of numbers."""

import contextlib

import pytest
import torch

from virgil.ops.chain_product import chain_product
from virgil.ops.compile_flag import as_when_compiling
from virgil.ops.semiring import MAXIMUM, SUM


@pytest.fixture(params=[contextlib.nullcontext, as_when_compiling], ids=["logs", "binary"], autouse=True)
def form(request):
    """The form of numbers that is taken in PyTorch, and that of captured programs."""
    with request.param():
        yield


def one_after_another(logs):
    total = logs[..., 0, :, :]
    for step in logs.unbind(-3)[1:]:
        total = (total.unsqueeze(-1) + step.unsqueeze(-3)).logsumexp(-2)
    return total


def value_and_gradient(product, logs, weights):
    """The product, and the derivative of a weighted sum of its entries."""
    total = product(logs)
    return total.detach(), torch.autograd.grad((total * weights).sum(), logs)[0]


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_the_sum_is_the_matrix_product(steps, batch):
    torch.manual_seed(steps)
    matrices = torch.rand(*batch, steps, 4, 4, dtype=torch.float64)
    product = torch.eye(4, dtype=torch.float64)
    for step in range(steps):
        product = product @ matrices[..., step, :, :]
    torch.testing.assert_close(chain_product(matrices.log()).exp(), product)


@pytest.mark.parametrize("spread", [1.0, 30.0, 1e3])
@pytest.mark.parametrize("steps", [2, 7, 50])
def test_value_and_gradient_are_those_of_the_reduction_one_after_another(steps, spread):
    torch.manual_seed(steps)
    transitions = torch.randn(1, 5, 5, dtype=torch.float64)
    logs = (transitions + spread * torch.randn(steps, 1, 5, dtype=torch.float64)).requires_grad_()
    weights = torch.randn(5, 5, dtype=torch.float64)
    found, expected = (value_and_gradient(each, logs, weights) for each in (chain_product, one_after_another))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_the_maximum_is_the_best_path():
    torch.manual_seed(0)
    logs = torch.randn(6, 3, 3, dtype=torch.float64)
    best = logs[0]
    for step in logs[1:]:
        best = (best.unsqueeze(-1) + step.unsqueeze(-3)).amax(-2)
    torch.testing.assert_close(chain_product(logs, MAXIMUM), best)


def test_its_derivatives_are_those_of_differences():
    torch.manual_seed(1)
    logs = torch.randn(5, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: chain_product(x, SUM), (logs,))
    assert torch.autograd.gradgradcheck(lambda x: chain_product(x, SUM), (logs,))


@pytest.mark.parametrize("shift", [0.0, -1e4, 1e4])
def test_a_common_shift_does_no_harm(shift):
    torch.manual_seed(2)
    logs = torch.randn(7, 3, 3)
    torch.testing.assert_close(chain_product(logs + shift), chain_product(logs) + 7 * shift, rtol=1e-5, atol=1e-3)


def test_half_precision_rounds_the_result_alone():
    torch.manual_seed(3)
    logs = torch.randn(40, 4, 4).bfloat16()
    exact = chain_product(logs.double())
    torch.testing.assert_close(chain_product(logs).double(), exact, rtol=2**-8, atol=0.0)


@pytest.mark.parametrize("steps", [2, 3, 6])
def test_hard_zeros_stay_zeros_with_finite_gradients(steps):
    logs = torch.tensor([[[0.0, -torch.inf], [-torch.inf, -torch.inf]]] * steps, requires_grad=True)
    product = chain_product(logs)
    assert torch.equal(product, torch.tensor([[0.0, -torch.inf], [-torch.inf, -torch.inf]]))
    (gradient,) = torch.autograd.grad(product.logsumexp((0, 1)), logs)
    assert torch.equal(gradient, torch.tensor([[[1.0, 0.0], [0.0, 0.0]]] * steps))


def test_a_product_of_zeros_is_zero_and_has_no_gradient():
    logs = torch.full((4, 2, 2), -torch.inf, requires_grad=True)
    product, gradient = value_and_gradient(chain_product, logs, torch.ones(2, 2))
    assert (product == -torch.inf).all()
    assert not gradient.any()


def test_entries_far_apart_in_single_precision_are_kept():
    left = torch.tensor([[0.0, -300.0], [-torch.inf, 0.0]])
    right = torch.tensor([[-torch.inf, -torch.inf], [0.0, 0.0]])
    assert chain_product(torch.stack([left, right]))[0, 0].item() == pytest.approx(-300.0, rel=1e-6)


def test_rows_and_columns_have_scales_of_their_own():
    """The states' likelihoods are 1e4 nats apart, each start allows one of them alone, and each end."""
    gap = torch.tensor([0.0, -1e4, 5e3], dtype=torch.float64)
    alone = torch.full((3, 3), -torch.inf, dtype=torch.float64).fill_diagonal_(0.0)
    logs = torch.stack([alone + gap] * 5)
    torch.testing.assert_close(chain_product(logs).diagonal(), 5 * gap)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_no_number_is_not_hidden(bad):
    logs = torch.zeros(5, 2, 2)
    logs[3, 0, 1] = bad
    logs.requires_grad_()
    product, gradient = value_and_gradient(chain_product, logs, torch.ones(2, 2))
    assert not product.isfinite().all()
    assert not gradient.isfinite().all()


def test_derivatives_by_torch_func_are_autograds():
    torch.manual_seed(2)
    logs, weights = torch.randn(5, 3, 3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    expected = value_and_gradient(one_after_another, logs.clone().requires_grad_(), weights)[1]
    found = torch.func.grad(lambda each: (chain_product(each) * weights).sum())(logs)
    torch.testing.assert_close(found, expected)
    best = torch.func.grad(lambda each: MAXIMUM.reduce(each, (-1,)).sum())(logs)
    assert torch.equal(best, torch.nn.functional.one_hot(logs.argmax(-1), 3).double())
    each_by_itself = torch.func.vmap(torch.func.grad(lambda each: SUM.reduce(each, (-1,)).sum()))(logs)
    torch.testing.assert_close(each_by_itself, logs.softmax(-1))
