"""Weighted samples: ties, vectors, shapes that do not fit."""

import math
import re

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError


def test_empirical_counts_ties_together():
    fn = dist.Empirical(torch.tensor([1.0, 1.0, 4.0]), torch.zeros(3))
    assert fn.log_prob(torch.tensor(1.0)).exp().item() == pytest.approx(2 / 3)
    assert fn.log_prob(torch.tensor(2.0)).item() == -math.inf
    assert fn.mean.item() == pytest.approx(2.0)
    assert fn.variance.item() == pytest.approx(2.0)
    assert fn.enumerate_support().tolist() == [1.0, 1.0, 4.0]
    assert not fn.has_enumerate_support
    assert fn.sample_size == 3
    rows = dist.Empirical(torch.tensor([[1.0, 2.0], [1.0, 3.0]]), torch.tensor([0.0, math.log(3.0)]))
    assert (rows.batch_shape, rows.event_shape) == ((), (2,))
    assert rows.log_prob(torch.tensor([1.0, 3.0])).exp().item() == pytest.approx(0.75)
    assert rows.has_enumerate_support
    with pytest.raises(ShapeError, match="must be the left part"):
        dist.Empirical(torch.zeros(3), torch.zeros(4))


@pytest.mark.parametrize("validate_args", [True, False])
def test_a_value_of_another_shape_is_refused_with_the_shapes(validate_args):
    rows = dist.Empirical(torch.zeros(4, 3, 2), torch.zeros(4, 3), validate_args=validate_args)
    assert rows.log_prob(torch.zeros(5, 4, 2)).shape == (5, 4)
    for shape in ((4, 1), (4, 3), (3, 2), (), (1,)):
        with pytest.raises(ShapeError, match=rf"value of shape {re.escape(str(shape))}; its batch_shape is \(4,\) and"):
            rows.log_prob(torch.zeros(shape))


def test_supports_of_numbers_are_plain():
    """Callers dispatch on the type of a support: that of single numbers is not wrapped as if events had dims."""
    one, reals, positive = torch.zeros(3), dist.constraints.real, dist.constraints.positive
    assert dist.Empirical(one, one).support is reals
    assert dist.Delta(one).support is reals
    assert dist.Delta(one).expand((2, 3)).support is reals
    assert dist.ImproperUniform(positive, (), ()).support is positive
    assert dist.Empirical(torch.zeros(3, 2), one).support.event_dim == 1
    assert dist.ImproperUniform(positive, (), (2,)).support.event_dim == 1
