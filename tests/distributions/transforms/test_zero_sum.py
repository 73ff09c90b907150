"""The map onto arrays that sum to zero keeps lengths, and is inverted."""

import pytest
import torch

from virgil.distributions import constraints
from virgil.distributions.transforms import ZeroSumTransform, biject_to
from virgil.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(("event_dim", "shape"), [(1, (3, 4)), (2, (5, 1, 3)), (3, (2, 1, 3))])
def test_it_is_an_isometry_onto_what_sums_to_zero(event_dim, shape):
    torch.manual_seed(0)
    to = biject_to(constraints.zero_sum(event_dim))
    assert to == ZeroSumTransform(event_dim)
    x = torch.randn(shape, dtype=torch.double)
    y = to(x)
    assert y.shape == to.forward_shape(shape)
    assert to.inverse_shape(y.shape) == x.shape
    assert to.codomain.check(y).all()
    assert to.codomain.check(y).shape == shape[: len(shape) - event_dim]
    for dim in range(-event_dim, 0):
        torch.testing.assert_close(y.sum(dim), torch.zeros_like(y.sum(dim)))
    torch.testing.assert_close(to.inv(y), x)
    dims = tuple(range(-event_dim, 0))
    torch.testing.assert_close(y.square().sum(dims), x.square().sum(dims))
    log_det = to.log_abs_det_jacobian(x, y)
    assert log_det.shape == to.codomain.check(y).shape
    assert (log_det == 0).all()


def test_what_does_not_sum_to_zero_lies_outside():
    assert constraints.zero_sum(1).check(torch.tensor([[1.0, -1.0], [1.0, 0.5]])).tolist() == [True, False]
    assert not constraints.zero_sum(2).check(torch.tensor([[1.0, -1.0], [1.0, -1.0]]))


def test_dims_that_are_not_there_are_refused():
    with pytest.raises(ArgumentError, match="event_dim=0; it takes a number of dims"):
        ZeroSumTransform(0)
    with pytest.raises(ShapeError, match="at least 2 dims"):
        ZeroSumTransform(2).forward_shape((3,))
