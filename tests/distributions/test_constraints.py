"""Constraints, their transforms, and the values that lie inside them."""

import math

import pytest
import torch
from torch import distributions as td

from virgil.distributions import constraints, transforms
from virgil.distributions.feasible import feasible_value
from virgil.distributions.transforms import biject_to, transform_to
from virgil.errors import ArgumentError

SHAPES = {
    constraints.real: (3,),
    constraints.positive: (3,),
    constraints.nonnegative: (3,),
    constraints.softplus_positive: (3,),
    constraints.unit_interval: (3,),
    constraints.interval(-1.0, 5.0): (3,),
    constraints.interval(torch.tensor([0.0, 2.0]), torch.tensor([1.0, torch.inf])): (4, 2),
    constraints.half_open_interval(-1.0, 5.0): (3,),
    constraints.greater_than(torch.tensor([[2.0], [7.0]])): (2, 3),
    constraints.greater_than_eq(2.0): (3,),
    constraints.less_than(-2.0): (3,),
    constraints.boolean: (3,),
    constraints.nonnegative_integer: (3,),
    constraints.positive_integer: (3,),
    constraints.integer_interval(2, torch.tensor([5, 9])): (3, 2),
    constraints.multinomial(7): (2, 3),
    constraints.one_hot: (2, 3),
    constraints.simplex: (2, 3),
    constraints.sphere: (2, 3),
    constraints.ordered_vector: (2, 3),
    constraints.positive_ordered_vector: (2, 3),
    constraints.real_vector: (2, 3),
    constraints.lower_cholesky: (2, 3, 3),
    constraints.softplus_lower_cholesky: (2, 3, 3),
    constraints.unit_lower_cholesky: (2, 3, 3),
    constraints.corr_cholesky: (2, 3, 3),
    constraints.corr_matrix: (2, 3, 3),
    constraints.lower_triangular: (2, 3, 3),
    constraints.square: (2, 3, 3),
    constraints.symmetric: (2, 3, 3),
    constraints.positive_definite: (2, 3, 3),
    constraints.positive_semidefinite: (2, 3, 3),
    constraints.independent(constraints.positive, 1): (2, 3),
    constraints.MixtureSameFamilyConstraint(constraints.positive): (2, 3),
    constraints.cat([constraints.real, constraints.positive], -1, [1, 2]): (2, 3),
    constraints.stack([constraints.real, constraints.positive], -2): (2, 3),
}
BIJECTIONS = {
    constraints.softplus_positive: (3,),
    constraints.ordered_vector: (2, 3),
    constraints.positive_ordered_vector: (2, 3),
    constraints.corr_matrix: (2, 3, 3),
}


@pytest.mark.parametrize(("constraint", "shape"), SHAPES.items(), ids=str)
def test_a_feasible_value_is_feasible(constraint, shape):
    for dtype in (torch.float, torch.double):
        value = feasible_value(constraint, shape, dtype=dtype)
        assert value.shape == shape
        assert value.dtype is dtype
        assert constraint.check(value).all()
        assert value.isfinite().all()


def test_known_feasible_values():
    assert feasible_value(constraints.positive) == 1
    assert feasible_value(constraints.unit_interval) == 0.5
    assert feasible_value(constraints.simplex, (4,)).tolist() == [0.25] * 4
    assert feasible_value(constraints.integer_interval(3, 5), dtype=torch.long) == 3
    torch.testing.assert_close(feasible_value(constraints.lower_cholesky, (2, 2)), torch.eye(2))


def test_an_unknown_constraint_is_an_error():
    class Odd(constraints.Constraint):
        pass

    with pytest.raises(ArgumentError, match="No value is known"):
        feasible_value(Odd(), (3,))
    with pytest.raises(ArgumentError, match="depends on values"):
        feasible_value(constraints.dependent, (3,))


@pytest.mark.parametrize(("constraint", "shape"), BIJECTIONS.items(), ids=str)
def test_our_bijections_invert_and_have_the_jacobian_of_autograd(constraint, shape):
    torch.manual_seed(0)
    to = biject_to(constraint)
    x = torch.randn(to.inverse_shape(shape), dtype=torch.double)
    y = to(x)
    assert y.shape == shape
    assert constraint.check(y).all()
    torch.testing.assert_close(to.inv(y), x)
    one, dims = x[0], x[0].dim()
    rows = torch.tril_indices(3, 3, -1)  # a correlation matrix has its strictly lower triangle for coordinates

    def coordinates(u):
        value = to(u)
        return value[rows[0], rows[1]] if value.dim() == 2 else value

    jacobian = torch.autograd.functional.jacobian(coordinates, one)
    expected = jacobian.abs().log() if dims == 0 else torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(to.log_abs_det_jacobian(one, to(one)), expected)


@pytest.mark.parametrize(
    "constraint", [constraints.softplus_lower_cholesky, constraints.unit_lower_cholesky, constraints.sphere], ids=str
)
def test_our_projections_reach_their_set_and_keep_what_is_in_it(constraint):
    torch.manual_seed(0)
    to = transform_to(constraint)
    y = to(torch.randn(2, 3, 3))
    assert constraint.check(y).all()
    torch.testing.assert_close(to(to.inv(y)), y)
    assert to == transform_to(constraint)


def test_checks_refuse_what_lies_outside():
    outside = {
        constraints.ordered_vector: [1.0, 1.0, 2.0],
        constraints.positive_ordered_vector: [-1.0, 1.0, 2.0],
        constraints.sphere: [1.0, 1.0, 0.0],
        constraints.softplus_positive: [0.0],
        constraints.unit_lower_cholesky: [[1.0, 0.5], [0.0, 1.0]],
        constraints.corr_matrix: [[1.0, 2.0], [2.0, 1.0]],
    }
    for constraint, value in outside.items():
        assert not constraint.check(torch.tensor(value)).any(), constraint


def test_everything_of_torch_is_here():
    assert set(td.constraints.__all__) <= set(constraints.__all__)
    assert set(td.transforms.__all__) <= set(transforms.__all__)


def test_a_mixture_of_one_support_has_its_bijection():
    shared = constraints.MixtureSameFamilyConstraint(constraints.unit_interval)
    assert isinstance(biject_to(shared), transforms.SigmoidTransform)
    assert isinstance(transform_to(shared), transforms.SigmoidTransform)
    own = constraints.MixtureSameFamilyConstraint(constraints.greater_than(torch.zeros(3)))
    with pytest.raises(NotImplementedError, match="supports of their own"):
        biject_to(own)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_correlation_factors_from_real_vectors(size):
    torch.manual_seed(0)
    length = size * (size - 1) // 2
    to = biject_to(constraints.corr_cholesky)
    x = torch.randn(4, length, dtype=torch.double)
    factor = to(x)
    assert constraints.corr_cholesky.check(factor).all()
    torch.testing.assert_close(to.inv(factor), x)
    torch.testing.assert_close(factor[..., 1, 0], x[..., 0].tanh())
    torch.testing.assert_close(factor, torch.distributions.transforms.CorrCholeskyTransform()(x))
    rows, columns = torch.tril_indices(size, size, -1)
    for one, log_det in zip(x, to.log_abs_det_jacobian(x, factor), strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda u: to(u)[rows, columns], one)
        torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet)


def test_correlations_near_one_keep_their_coordinates():
    x = torch.tensor([12.0, -15.0, 9.0], requires_grad=True)
    to = biject_to(constraints.corr_cholesky)
    factor = to(x)
    assert (factor.diagonal() > 0).all()
    torch.testing.assert_close(to.inv(factor), x)
    log_det = to.log_abs_det_jacobian(x, factor)
    assert log_det.item() == pytest.approx(-2 * (12 + 15 + 9) - 15 + 7 * math.log(2.0), rel=1e-6)
    assert torch.autograd.grad(log_det + factor.sum(), x)[0].isfinite().all()
