"""Small functions of tensors and numbers."""

import pytest
import torch

from virgil.errors import ShapeError
from virgil.pyro.distributions import tensor_arguments as util

ONES = torch.ones(2, 3, 4)


@pytest.mark.parametrize(
    ("dim", "left", "right"),
    [
        (0, (2, 3, 4), (2, 3, 4)),
        (1, (3, 4), (2, 3)),
        (2, (4,), (2,)),
        (3, (), ()),
        (5, (), ()),
        (float("inf"), (), ()),
        (-1, (4,), (2,)),
        (-2, (3, 4), (2, 3)),
        (-3, (2, 3, 4), (2, 3, 4)),
    ],
)
def test_sums_over_dims_of_one_end(dim, left, right):
    for found, shape in ((util.sum_leftmost(ONES, dim), left), (util.sum_rightmost(ONES, dim), right)):
        assert found.shape == shape
        assert found.sum() == ONES.sum()
    assert util.sum_leftmost(2.5, dim) == util.sum_rightmost(2.5, dim) == 2.5


def test_shapes_broadcast():
    assert util.broadcast_shape() == ()
    assert util.broadcast_shape((2, 1), (3,), ()) == (2, 3)
    assert util.broadcast_shape((3,), (2, 3), strict=True) == (2, 3)
    with pytest.raises(ShapeError, match=r"\(2,\), \(3,\) do not broadcast"):
        util.broadcast_shape((2,), (3,))
    with pytest.raises(ValueError, match="only where a dim of size 1 grows"):
        util.broadcast_shape((2, 1), (2, 3), strict=True)


def test_tensors_like_others():
    like = torch.zeros(3, dtype=torch.double)
    assert util.eye_like(like, 2).equal(torch.eye(2, dtype=torch.double))
    assert util.eye_like(like, 2, 3).equal(torch.eye(2, 3, dtype=torch.double))
    number = util.scalar_like(like, 2)
    assert (number.dtype, number.shape, number.item()) == (torch.double, (), 2.0)


@pytest.mark.parametrize("dim", [-1, -2])
def test_gathering_broadcasts_all_other_dims(dim):
    torch.manual_seed(0)
    value = torch.randn(5, 1, 4)
    index = torch.randint(1, (3, 2)) if dim == -2 else torch.randint(4, (3, 2))
    value = value.expand(5, 1, 4) if dim == -1 else value
    if dim == -1:
        found = util.gather(value, index, dim)
        assert found.shape == (5, 3, 2)
        for a in range(5):
            for b in range(3):
                for c in range(2):
                    assert found[a, b, c] == value[a, 0, index[b, c]]
    else:
        found = util.gather(value, index[:, :1], dim)
        assert found.shape == (5, 3, 4)
        assert found.equal(value.expand(5, 3, 4))


def test_only_numbers_are_identically_zero_or_one():
    for zero in (0, 0.0, False):
        assert util.is_identically_zero(zero)
        assert not util.is_identically_one(zero)
    for one in (1, 1.0, True):
        assert util.is_identically_one(one)
    for other in (torch.zeros(()), torch.ones(()), None, "0"):
        assert not util.is_identically_zero(other)
        assert not util.is_identically_one(other)


def test_scale_and_mask():
    value, mask = torch.tensor([1.0, torch.nan]), torch.tensor([True, False])
    assert util.scale_and_mask(value, 2.0, mask).tolist() == [2.0, 0.0]
    assert util.scale_and_mask(0, 2.0, mask) == 0
    assert util.scale_and_mask(torch.ones(()), torch.full((3,), 2.0), True).tolist() == [2.0] * 3
    assert util.scale_and_mask(torch.ones(2), 3.0, False).tolist() == [0.0, 0.0]
    assert util.scale_and_mask(value) is value


def test_logsumexp():
    value = torch.tensor([[0.0, 1.0], [2.0, -1.0]])
    torch.testing.assert_close(util.logsumexp(value, -1), value.exp().sum(-1).log())
