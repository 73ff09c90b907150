"""The value that stands in for one inside a constraint's set lies there, for every constraint."""

import pytest
import torch

from virgil.distributions import constraints
from virgil.distributions.core.feasible_value import feasible_value
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
    constraints.integer: (3,),
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
    constraints.zero_sum(2): (5, 2, 3),
    constraints.corr_cholesky: (2, 3, 3),
    constraints.corr_matrix: (2, 3, 3),
    constraints.lower_triangular: (2, 3, 3),
    constraints.square: (2, 3, 3),
    constraints.symmetric: (2, 3, 3),
    constraints.positive_definite: (2, 3, 3),
    constraints.positive_semidefinite: (2, 3, 3),
    constraints.CoalescentTimesConstraint(torch.tensor([0.3, 1.2, -0.7, 2.6])): (2, 3),
    constraints.independent(constraints.positive, 1): (2, 3),
    constraints.MixtureSameFamilyConstraint(constraints.positive): (2, 3),
    constraints.cat([constraints.real, constraints.positive], -1, [1, 2]): (2, 3),
    constraints.stack([constraints.real, constraints.positive], -2): (2, 3),
    constraints.MaskedConstraint(torch.tensor([True, False]), constraints.positive, constraints.less_than(-2.0)): (2,),
    constraints.MaskedConstraint(
        torch.tensor([True, False]), constraints.simplex, constraints.independent(constraints.positive, 1)
    ): (2, 3),
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
