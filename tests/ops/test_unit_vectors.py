"""Norms of one, whatever the size of the vector."""

import pytest
import torch

from virgil.ops.unit_vectors import safe_normalize


@pytest.mark.parametrize("p", [1, 2, 3.5])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_norms_are_one_and_directions_stay(p, scale):
    torch.manual_seed(0)
    x = scale * torch.randn(5, 3)
    found = safe_normalize(x, p=p)
    torch.testing.assert_close(torch.linalg.vector_norm(found, ord=p, dim=-1), torch.ones(5))
    torch.testing.assert_close(torch.nn.functional.cosine_similarity(found, x / scale), torch.ones(5))


def test_zero_has_a_finite_derivative():
    x = torch.zeros(2, 3, requires_grad=True)
    found = safe_normalize(x)
    assert found.tolist() == [[1.0, 0.0, 0.0]] * 2
    assert torch.autograd.grad(found.sum(), x)[0].tolist() == [[0.0] * 3] * 2


def test_the_derivative():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(safe_normalize, x)
