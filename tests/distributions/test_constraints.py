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
    }
    for constraint, value in outside.items():
        assert not constraint.check(torch.tensor(value)).any(), constraint
