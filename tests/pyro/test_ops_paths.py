"""The old paths of numerical functions, and what of them has other arguments than in the house."""

import math

import pyro.ops.integrator as integrator
import pytest
import scipy.special
import torch
from pyro.ops import stats, streaming, tensor_utils
from pyro.ops.dual_averaging import DualAveraging
from pyro.ops.gaussian import Gaussian, mvn_to_gaussian, sequential_gaussian_tensordot
from pyro.ops.hessian import hessian
from pyro.ops.indexing import Index, Vindex
from pyro.ops.linalg import determinant_3d, eig_3d, ignore_torch_deprecation_warnings, inv3d, rinverse
from pyro.ops.newton import newton_step
from pyro.ops.special import log_beta, log_binomial, log_I1, safe_log, sparse_multinomial_likelihood
from pyro.ops.ssm_gp import MaternKernel
from pyro.ops.welford import WelfordArrowheadCovariance, WelfordCovariance

from virgil.errors import ArgumentError


def test_old_paths_are_the_house():
    import virgil.ops.gaussian
    import virgil.ops.newton

    assert newton_step is virgil.ops.newton.newton_step
    assert Gaussian is virgil.ops.gaussian.Gaussian
    assert all(
        map(callable, (stats.quantile, stats.waic, streaming.StatsOfDict, tensor_utils.dct, hessian, Index, Vindex))
    )
    assert all(map(callable, (mvn_to_gaussian, sequential_gaussian_tensordot, safe_log)))


@pytest.mark.parametrize("tol", [0.0, 0.1])
def test_special_functions_take_a_tolerance(tol):
    x, y = torch.tensor([0.1, 3.0, 50.0]), torch.tensor([2.0, 1.5, 0.3])
    torch.testing.assert_close(log_beta(x, y, tol=tol), torch.from_numpy(scipy.special.betaln(x.numpy(), y.numpy())))
    found = log_binomial(torch.tensor([5, 10]), torch.tensor([2, 0]), tol=tol)
    torch.testing.assert_close(found, torch.tensor([10.0, 1.0]).log())


def test_bessel_functions_have_an_order_first():
    assert log_I1(2, torch.tensor(1.5)).shape == (3, 1)
    found = log_I1(1, torch.tensor([1.5, 3.0]), terms=40)
    torch.testing.assert_close(found, torch.from_numpy(scipy.special.iv([[0], [1]], [1.5, 3.0])).log().float())


def test_a_sparse_multinomial_is_the_dense_one():
    torch.manual_seed(0)
    value, logits = torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]]), torch.randn(2, 3).log_softmax(-1)
    expected = torch.distributions.Multinomial(3, logits=logits).log_prob(value).sum()
    at = value.nonzero(as_tuple=True)
    torch.testing.assert_close(sparse_multinomial_likelihood(value.sum(-1), logits[at], value[at]), expected)


def test_small_matrices():
    torch.manual_seed(0)
    root = torch.randn(2, 3, 3, dtype=torch.float64)
    matrix = root @ root.mT + torch.eye(3, dtype=torch.float64)
    values = torch.stack(eig_3d(matrix), -1)
    torch.testing.assert_close(values.prod(-1), determinant_3d(matrix))
    torch.testing.assert_close(values.sum(-1), matrix.diagonal(dim1=-2, dim2=-1).sum(-1))
    for inverse in (inv3d(matrix), rinverse(matrix, sym=True)):
        torch.testing.assert_close(inverse @ matrix, torch.eye(3, dtype=torch.float64).expand(2, 3, 3))
    assert not rinverse(torch.zeros(2, 2)).isfinite().all()
    with ignore_torch_deprecation_warnings():
        assert inv3d(torch.eye(3)).shape == (3, 3)


def test_shorthands_of_tensors():
    x = torch.randn(3, 4)
    torch.testing.assert_close(tensor_utils.as_complex(x[:, :2]), torch.view_as_complex(x[:, :2].contiguous()))
    torch.testing.assert_close(tensor_utils.matmul(x, x.mT), x @ x.mT)
    torch.testing.assert_close(tensor_utils.matvecmul(x, x[0]), x @ x[0])
    factor = torch.linalg.cholesky(x @ x.mT + torch.eye(3))
    torch.testing.assert_close(factor @ factor.mT @ tensor_utils.cholesky_solve(x, factor), x)
    for upper, triangle in ((False, factor), (True, factor.mT)):
        torch.testing.assert_close(triangle @ tensor_utils.triangular_solve(x, triangle, upper=upper), x)
        torch.testing.assert_close(triangle.mT @ tensor_utils.triangular_solve(x, triangle, upper, transpose=True), x)


@pytest.mark.parametrize(
    ("shapes", "dim", "expected"),
    [
        ([(3, 2), (4, 1, 5)], -1, [(4, 3, 2), (4, 3, 5)]),
        ([(3, 2), (4, 1, 2)], -2, [(4, 3, 2), (4, 1, 2)]),
        ([(5,), (4, 1, 5)], -2, [(4, 1, 5), (4, 1, 5)]),
        ([(3, 1), (2, 5)], 0, [(3, 5), (2, 5)]),
    ],
)
def test_broadcasting_but_for_one_dim(shapes, dim, expected):
    found = tensor_utils.broadcast_tensors_without_dim([torch.ones(shape) for shape in shapes], dim)
    assert [tuple(each.shape) for each in found] == expected
    assert torch.cat(found, dim).dim() == len(expected[0])


def test_broadcasting_but_for_one_dim_from_the_left():
    with pytest.raises(ArgumentError, match=r"dim=0 and tensors of \[2, 3\] dims"):
        tensor_utils.broadcast_tensors_without_dim([torch.ones(3, 2), torch.ones(4, 1, 2)], 0)


def test_running_covariances_change():
    torch.manual_seed(0)
    vectors = torch.randn(12, 3)
    cases = [WelfordCovariance(), WelfordCovariance(diagonal=False), WelfordArrowheadCovariance(head_size=1)]
    for vector in vectors:
        for each in cases:
            each.update(vector)
    covariance = torch.cov(vectors.mT)
    torch.testing.assert_close(cases[0].get_covariance(regularize=False), covariance.diag())
    shrunk = 12 / 17 * covariance + 1e-3 * 5 / 17 * torch.eye(3)
    torch.testing.assert_close(cases[1].get_covariance(), shrunk)
    torch.testing.assert_close(cases[2].get_covariance(), (shrunk[:1], shrunk.diag()[1:]))
    assert cases[0].n_samples == 12
    cases[0].reset()
    with pytest.raises(RuntimeError, match="two vectors or more; 0 have come"):
        cases[0].get_covariance()


def test_dual_averaging_changes():
    averaging = DualAveraging(prox_center=1.0)
    averaging.step(0.5)
    latest, average = averaging.get_state()
    assert latest == average == pytest.approx(1 - 20 * 0.5 / 11)
    averaging.reset()
    averaging.step(0.5)
    assert averaging.get_state() == (latest, average)


def harmonic(z):
    return z["x"].square().sum() / 2


def test_the_integrator_takes_the_energy():
    z, r = {"x": torch.tensor([1.0, 0.0])}, {"x": torch.tensor([0.0, 1.0])}
    steps = 1000
    z_next, r_next, grads, energy = integrator.velocity_verlet(z, r, harmonic, lambda r: r, math.pi / 2 / steps, steps)
    torch.testing.assert_close(z_next["x"], torch.tensor([0.0, 1.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(r_next["x"], torch.tensor([-1.0, 0.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(grads, z_next)
    torch.testing.assert_close(energy, harmonic(z_next))


def test_an_energy_with_a_known_error_is_not_a_number():
    z = {"x": torch.ones(2)}
    grads, energy = integrator.potential_grad(lambda z: torch.linalg.cholesky(-torch.diag(z["x"])).sum(), z)
    assert energy.isnan()
    assert grads["x"].tolist() == [0.0, 0.0]


def test_an_error_becomes_known_by_a_handler(monkeypatch):
    from virgil.pyro.ops import integrator as home

    monkeypatch.setattr(home, "_handlers", dict(home._handlers))

    def failing(z):
        raise ArithmeticError("not at home")

    with pytest.raises(ArithmeticError, match="not at home"):
        integrator.potential_grad(failing, {"x": torch.ones(())})
    integrator.register_exception_handler("home", lambda error: "not at home" in str(error))
    assert integrator.potential_grad(failing, {"x": torch.ones(())})[1].isnan()
    with pytest.warns(RuntimeWarning, match="'home' already"):
        integrator.register_exception_handler("home", lambda error: False)
    integrator.register_exception_handler("home", lambda error: True, warn_on_overwrite=False)


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_a_matern_kernel_is_a_module_with_two_parameters(nu):
    kernel = MaternKernel(nu, 2, torch.tensor([0.5, 2.0]), torch.tensor([3.0, 1.0]))
    assert dict(kernel.named_parameters()).keys() == {"length_scale_unconstrained", "kernel_scale_unconstrained"}
    torch.testing.assert_close(kernel.kernel_scale, torch.tensor([3.0, 1.0]))
    transition, noise = kernel.transition_matrix_and_covariance(0.3)
    stationary = kernel.stationary_covariance()
    assert transition.shape == (2, kernel.state_dim, kernel.state_dim)
    torch.testing.assert_close(stationary[:, 0, 0], torch.tensor([9.0, 1.0]))
    torch.testing.assert_close(transition.mT @ stationary @ transition + noise, stationary)
    noise.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in kernel.parameters())


def test_a_matern_kernel_refuses():
    with pytest.raises(ArgumentError, match="nu=3.5"):
        MaternKernel(3.5)
    with pytest.raises(ArgumentError, match=r"length_scale_init of shape \(3,\) for 2 processes"):
        MaternKernel(1.5, 2, torch.ones(3))
