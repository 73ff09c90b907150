"""Constraints: all of torch's are here, and those that torch lacks refuse what lies outside."""

import torch
from torch import distributions as td

from virgil.distributions import constraints


def test_every_constraint_of_torch_is_handed_on():
    assert set(td.constraints.__all__) <= set(constraints.__all__)


def test_checks_refuse_what_lies_outside():
    outside = {
        constraints.ordered_vector: [1.0, 1.0, 2.0],
        constraints.positive_ordered_vector: [-1.0, 1.0, 2.0],
        constraints.sphere: [1.0, 1.0, 0.0],
        constraints.softplus_positive: [0.0],
        constraints.unit_lower_cholesky: [[1.0, 0.5], [0.0, 1.0]],
        constraints.corr_matrix: [[1.0, 2.0], [2.0, 1.0]],
        constraints.integer: [0.5, -1.5, torch.inf],
        constraints.MaskedConstraint(torch.tensor([True, False]), constraints.positive, constraints.boolean): [
            0.5,
            -1.0,
        ],
    }
    for constraint, value in outside.items():
        assert not constraint.check(torch.tensor(value)).any(), constraint


def test_integers_of_either_sign():
    assert constraints.integer.is_discrete
    assert constraints.integer.check(torch.tensor([-2.0, 0.0, 3.0])).all()
    assert constraints.integer.check(torch.tensor([-2, 3])).all()
