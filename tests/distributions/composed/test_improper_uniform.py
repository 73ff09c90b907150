"""A flat prior is scored and never sampled."""

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError


def test_improper_uniform_scores_and_refuses_to_sample():
    fn = dist.ImproperUniform(constraints.positive, (2,), (3,))
    assert fn.log_prob(torch.ones(2, 3)).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="within the support"):
        fn.log_prob(-torch.ones(2, 3))
    with pytest.raises(ArgumentError, match="cannot be sampled"):
        fn.sample()
    with pytest.raises(ShapeError, match="has 1 dims"):
        dist.ImproperUniform(constraints.simplex, (2,), ())
