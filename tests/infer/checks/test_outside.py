"""A value outside its support: where it came from, and what is wrong with it."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.checks.asking import heard, says
from virgil.distributions import constraints
from virgil.infer.checks.outside_support import reason

EYE = torch.eye(2)
WRONG = {  # name: the support, a value, and why it is not inside
    "sum": (constraints.simplex, [0.5, 0.7], "it sums to 1.2, not 1"),
    "negative": (constraints.simplex, [1.5, -0.5], "an entry is -0.5"),
    "two hot": (constraints.one_hot, [1.0, 1.0], "it sums to 2, not 1"),
    "length": (constraints.sphere, [3.0, 4.0], "its length is 5, not 1"),
    "order": (constraints.ordered_vector, [1.0, 2.0, 2.0], "entry 2 is not above entry 1"),
    "order of positives": (constraints.positive_ordered_vector, [-1.0, 2.0], "its first entry is -1"),
    "fraction": (constraints.nonnegative_integer, 1.5, "not whole"),
    "negative number": (constraints.positive, -1.0, ""),
    "nan": (constraints.simplex, [float("nan"), 1.0], "not finite"),
    "upper triangle": (constraints.lower_cholesky, [[1.0, 0.5], [0.0, 1.0]], "not lower triangular"),
    "diagonal": (constraints.lower_cholesky, [[1.0, 0.0], [0.5, -2.0]], "its diagonal has an entry of -2"),
    "row": (constraints.corr_cholesky, [[1.0, 0.0], [3.0, 4.0]], "row 1 has length 5, not 1"),
    "asymmetric": (constraints.positive_definite, [[1.0, 0.5], [0.0, 1.0]], "not symmetric"),
    "indefinite": (constraints.positive_definite, [[1.0, 2.0], [2.0, 1.0]], "its least eigenvalue is -1"),
    "no correlation": (constraints.corr_matrix, [[1.0, 0.0], [0.0, 3.0]], "its diagonal has an entry of 3, not 1"),
    "inside an event": (constraints.independent(constraints.simplex, 1), [[0.5, 0.7]], "it sums to 1.2, not 1"),
}


@pytest.mark.parametrize(("support", "value", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_value(support, value, why):
    value = torch.tensor(value)
    assert not bool(support.check(value).all())
    assert reason(value, support) == why


def test_a_value_outside_says_which_distribution_of_the_guide_drew_it():
    def model():
        with virgil.plate("documents", 4):
            virgil.sample("topics", dist.Dirichlet(torch.ones(8)))

    def guide():
        with virgil.plate("documents", 4):
            network = virgil.param("network", torch.full((4, 8), -0.015)).sigmoid()
            virgil.sample("topics", dist.Delta(network, event_dim=1))

    found = heard(model, guide)
    assert found.site == "topics"
    says(
        found,
        "error",
        "SupportError: At site 'topics' of the model, the value, drawn by the guide's Delta, lies outside the support "
        "of Dirichlet: 4 of 4 do, such as [0.4963, 0.4963, 0.4963, 0.4963, ...] at index (0,) (it sums to 3.97, not 1)",
    )
