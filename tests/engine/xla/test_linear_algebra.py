"""Factorisations, systems and distances, lowered, agree with eager torch; what fails is NaN."""

import jax.numpy as jnp
import pytest
import torch
from torch import Tensor

import virgil.distributions as dist
from tests.engine.xla.harness import (
    assert_gradient_lowered,
    assert_lowered,
    assert_samples_lowered,
    is_in_torchs_table,
    lowered,
    lowerings_in,
    samples_of,
)
from virgil.distributions.core.validation import unchecked
from virgil.engine.recording.graph import traced
from virgil.engine.xla.interpret import interpret
from virgil.engine.xla.lowerings import distance, linear_algebra

# torch's table has old names too
pytestmark = [pytest.mark.every_engine, pytest.mark.filterwarnings("ignore:.*deprecated:UserWarning")]

aten = torch.ops.aten

NAMES = """
cdist cholesky cholesky_inverse cholesky_solve linalg.cholesky_ex linalg.det linalg.eigh linalg.householder_product
linalg.inv linalg.lu linalg.lu_factor_ex linalg.lu_solve linalg.matrix_norm linalg.pinv linalg.pinv/hermitian linalg.qr
linalg.slogdet linalg.solve linalg.solve_triangular linalg.svd linalg.tensorsolve linalg.vector_norm lu_unpack
matrix_exp nn.functional.pdist triangular_solve
"""
REMOVED = ["cholesky"]  # since torch 2.14
OPERATORS = [name for name in NAMES.split() if name not in REMOVED or is_in_torchs_table(name)]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_torch(name):
    """In float64 with derivatives, to a few times the condition of the table's matrices; in float32 without."""
    assert_samples_lowered(samples_of(name, torch.float64, 3, True), rtol=1e-9, atol=1e-10)
    loose = {"rtol": 1e-3, "atol": 1e-3} if name == "matrix_exp" else {"rtol": 1e-4, "atol": 1e-5}
    assert_samples_lowered(samples_of(name, torch.float32, 1, False), **loose)


def test_every_lowering_is_reached():
    reached = set().union(*(each.operators for name in OPERATORS for each in samples_of(name, torch.float64, 3, True)))
    assert lowerings_in(linear_algebra, distance) <= reached


def positive(*shape: int) -> Tensor:
    factor = torch.randn(shape, dtype=torch.float64)
    return (factor @ factor.mT + shape[-1] * torch.eye(shape[-1], dtype=torch.float64)).requires_grad_()


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


DENSITIES = {
    "covariance": (lambda m, c, x: dist.MultivariateNormal(m, c).log_prob(x), (3,), (3, 3), (5, 3)),
    "precision": (lambda m, c, x: dist.MultivariateNormal(m, precision_matrix=c).log_prob(x), (3,), (3, 3), (5, 3)),
    "batch of factors": (
        lambda m, c, x: dist.MultivariateNormal(m, scale_tril=torch.linalg.cholesky(c)).log_prob(x),
        (2, 3),
        (2, 3, 3),
        (5, 2, 3),
    ),
    "low rank": (
        lambda m, f, d, x: dist.LowRankMultivariateNormal(m, f, d.exp()).log_prob(x),
        (4,),
        (4, 2),
        (4,),
        (5, 4),
    ),
    "entropy": (lambda m, c: dist.MultivariateNormal(m, c).entropy(), (3,), (3, 3)),
    "Lewandowski": (
        lambda c, x: dist.LKJCholesky(3, c.exp()).log_prob(torch.linalg.cholesky(x)),
        (),
        (3, 3),
    ),
    "Wishart": (
        lambda c, x: dist.Wishart(torch.tensor(5.0, dtype=torch.float64), c).log_prob(x),
        (3, 3),
        (2, 3, 3),
    ),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_densities_with_matrices_and_their_gradients(name, monkeypatch):
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", False)  # those of torch inside ours
    density, *shapes = DENSITIES[name]
    args = [positive(*shape) if shape[-2:] == (3, 3) else normal(*shape) for shape in shapes]
    with unchecked():
        assert_lowered(density, *args, rtol=1e-10, atol=1e-12)
        assert_gradient_lowered(density, *args, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("transposed", [False, True], ids=["rows", "columns"])
@pytest.mark.parametrize("function", [torch.linalg.det, torch.logdet, lambda a: torch.linalg.slogdet(a)[1]])
def test_determinants_of_matrices_by_rows_and_by_columns(function, transposed):
    """Torch factorises the matrix or its transpose, as it lies; a graph must not mix the two up in the derivative."""
    a = positive(2, 3, 3).detach() + torch.triu(torch.ones(3, 3, dtype=torch.float64))
    a = (a.mT.contiguous().mT if transposed else a).requires_grad_()
    assert_gradient_lowered(function, a, rtol=1e-10, atol=1e-12)


def test_a_matrix_without_factor_gives_nan_and_info():
    """Where torch raises an error, the lowered graph goes on with NaN, which the loop finds in the loss."""
    matrices = torch.tensor([[[1.0, 2.0], [2.0, 1.0]], [[2.0, 0.0], [0.0, 2.0]]])
    factor, info = lowered(torch.linalg.cholesky_ex, matrices)
    assert factor[0].tril().isnan().any()
    assert factor[1].isfinite().all()
    assert info.tolist() == [1, 0]
    assert info.dtype == torch.int32


def test_a_matrix_that_loses_its_factor_after_capture_gives_nan():
    graph = traced(torch.linalg.cholesky, torch.eye(2))
    assert aten._linalg_check_errors.default in {node.target for node in graph.graph.nodes}
    (factor,) = interpret(graph.graph, [jnp.array([[1.0, 2.0], [2.0, 1.0]])], {}, None)
    assert jnp.isnan(factor).any()


@pytest.mark.parametrize("singular", [torch.zeros(2, 2), torch.ones(3, 3)])
def test_a_singular_matrix_has_the_same_info_as_torch(singular):
    (info,) = lowered(lambda a: torch.linalg.inv_ex(a).info, singular)
    assert info == torch.linalg.inv_ex(singular).info


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize(
    "shapes", [((3, 3), (4, 2, 3, 3)), ((1, 3, 3), (2, 3, 3)), ((2, 3, 3), (3, 3)), ((0, 0), (0, 0))]
)
def test_triangular_systems_of_different_batches(shapes, left, upper):
    """A factor without the batch of the right-hand sides takes them as more columns."""
    a, b = (normal(*shape) for shape in shapes)
    a = (a.detach() + 4 * torch.eye(a.shape[-1], dtype=a.dtype)).requires_grad_()

    def solved(a: Tensor, b: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(a, b, upper=upper, left=left)

    assert_lowered(solved, a, b)
    assert_gradient_lowered(solved, a, b)


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, 3, float("inf"), float("-inf")])
def test_norms_by_order_with_zeros_and_nan(order):
    x = torch.tensor([[0.0, 0.0, 0.0], [1.0, -2.0, 0.0], [float("nan"), 1.0, 0.0], [float("inf"), 1.0, 0.0]])
    assert_lowered(lambda x: torch.linalg.vector_norm(x, order, dim=1, keepdim=True), x)
    assert_lowered(lambda x: torch.linalg.vector_norm(x, order, dtype=torch.float64), x)
    assert_lowered(lambda x: torch.linalg.vector_norm(x, order), x[1, 1])
