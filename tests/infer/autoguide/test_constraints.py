"""A guide draws inside every support onto which there is a bijection, and the checks see that it does."""

import pytest

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.optim import Adam

SUPPORTS = {
    "greater_than": (constraints.greater_than(2.0), ()),
    "greater_than_eq": (constraints.greater_than_eq(1.0), ()),
    "less_than": (constraints.less_than(1.0), ()),
    "interval": (constraints.interval(-1.0, 3.0), ()),
    "half_open_interval": (constraints.half_open_interval(0.0, 1.0), ()),
    "unit_interval": (constraints.unit_interval, ()),
    "nonnegative": (constraints.nonnegative, ()),
    "softplus_positive": (constraints.softplus_positive, ()),
    "simplex": (constraints.simplex, (3,)),
    "ordered_vector": (constraints.ordered_vector, (3,)),
    "positive_ordered_vector": (constraints.positive_ordered_vector, (3,)),
    "zero_sum": (constraints.zero_sum(1), (3,)),
    "lower_cholesky": (constraints.lower_cholesky, (3, 3)),
    "softplus_lower_cholesky": (constraints.softplus_lower_cholesky, (3, 3)),
    "unit_lower_cholesky": (constraints.unit_lower_cholesky, (3, 3)),
    "positive_definite": (constraints.positive_definite, (3, 3)),
    "corr_cholesky": (constraints.corr_cholesky, (3, 3)),
    "corr_matrix": (constraints.corr_matrix, (3, 3)),
    "independent": (constraints.independent(constraints.positive, 1), (3,)),
    "cat": (constraints.cat([constraints.positive, constraints.real], 0, [1, 2]), (3,)),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_a_fit_begins_in_every_support(name):
    support, shape = SUPPORTS[name]

    def model():
        virgil.sample("x", dist.ImproperUniform(support, (), shape))

    virgil.set_rng_seed(0)
    guide = AutoNormal(model)
    loss = SVI(model, guide, Adam({"lr": 0.01}), Trace_ELBO()).step()
    assert isinstance(loss, float)
    assert bool(support.check(guide()["x"]).all())
    assert guide()["x"].shape == shape
