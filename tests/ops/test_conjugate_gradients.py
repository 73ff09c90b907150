import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.conjugate_gradients import conjugate_gradients


def test_it_solves_as_a_factorisation_does():
    root = torch.randn(12, 12, dtype=torch.float64)
    matrix = root @ root.T + torch.diag(torch.logspace(0, 4, 12, dtype=torch.float64))
    right = torch.randn(12, dtype=torch.float64)
    found = conjugate_gradients(lambda x: matrix @ x, right, matrix.diagonal(), tolerance=1e-12)
    assert torch.allclose(found, torch.linalg.solve(matrix, right), rtol=1e-8)


def test_zero_is_the_solution_of_zero():
    assert conjugate_gradients(lambda x: x, torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_it_refuses_a_matrix_that_is_not_positive_definite():
    with pytest.raises(ArgumentError, match="not positive definite"):
        conjugate_gradients(lambda x: torch.tensor([1.0, -2.0]) * x, torch.tensor([1.0, 1.0]))


def test_it_says_where_it_did_not_arrive():
    scale = torch.logspace(0, 6, 30, dtype=torch.float64)
    with pytest.raises(ArgumentError, match="did not reach the tolerance"):
        conjugate_gradients(lambda x: scale * x, torch.ones(30, dtype=torch.float64), max_steps=3)
