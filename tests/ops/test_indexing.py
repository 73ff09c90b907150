"""``Vindex`` against its definition, entry by entry, in a loop."""

from __future__ import annotations

import itertools
import random

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.indexing import Vindex, vindex

CASES = range(60)


def _of_slot(shape, slot):
    """The part of a slot that broadcasting leaves to a tensor of this shape."""
    own = slot[len(slot) - len(shape) :]
    return tuple(0 if size == 1 else place for size, place in zip(shape, own, strict=True))


def _by_loop(x, batch_shape, indices):
    """``result[b, k] = x[b, index(b) or k, ...]``; ``None`` stands for a slice."""
    looked_up = [index for index in indices if index is not None]
    shapes = [index.shape for index in looked_up if isinstance(index, torch.Tensor)]
    slots = torch.broadcast_shapes(batch_shape, *shapes)
    kept = [size for size, index in zip(x.shape[len(batch_shape) :], indices, strict=True) if index is None]
    result = torch.full((*slots, *kept), float("nan"), dtype=x.dtype)
    for slot in itertools.product(*map(range, slots)):
        for k in itertools.product(*map(range, kept)):
            rest = iter(k)
            place = [
                next(rest)
                if index is None
                else int(index[_of_slot(index.shape, slot)])
                if isinstance(index, torch.Tensor)
                else index
                for index in indices
            ]
            result[slot + k] = x[(*_of_slot(batch_shape, slot), *place)]
    return result


def _random_case(seed):
    """A tensor with 0 to 2 batch dims and 1 to 3 others, and for each of these an index of some kind."""
    choose = random.Random(seed)
    slots = [choose.choice([2, 3, 4]) for _ in range(choose.randint(0, 4))]

    def shape_within(longest):
        length = choose.randint(0, min(longest, len(slots)))
        return tuple(choose.choice([1, size]) for size in slots[len(slots) - length :])

    batch_shape = shape_within(2)
    sizes = [choose.choice([2, 3, 5]) for _ in range(choose.randint(1, 3))]
    indices = []
    for size in sizes:
        kind = choose.choice(["slice", "number", "tensor", "tensor", "tensor"])
        if kind == "slice":
            indices.append(None)
        elif kind == "number":
            indices.append(choose.randrange(-size, size))
        else:
            indices.append(torch.randint(-size, size, shape_within(4)))
    x = torch.randn(*batch_shape, *sizes, dtype=torch.double)
    return x, batch_shape, indices


@pytest.mark.parametrize("seed", CASES)
def test_every_entry_is_the_one_that_the_definition_says(seed):
    x, batch_shape, indices = _random_case(seed)
    args = [slice(None) if index is None else index for index in indices]
    expected = _by_loop(x, batch_shape, indices)
    torch.testing.assert_close(vindex(x, (..., *args)), expected, rtol=0, atol=0)
    if not batch_shape:
        torch.testing.assert_close(vindex(x, tuple(args)), expected, rtol=0, atol=0)


def test_the_random_cases_are_of_all_kinds():
    broadcast = beyond_the_batch = sliced = 0
    for _, batch_shape, indices in map(_random_case, CASES):
        shapes = {tuple(index.shape) for index in indices if isinstance(index, torch.Tensor)}
        broadcast += len(shapes) > 1
        beyond_the_batch += bool(batch_shape) and any(len(shape) > len(batch_shape) for shape in shapes)
        sliced += bool(shapes) and any(index is None for index in indices)
    assert min(broadcast, beyond_the_batch, sliced) >= 5


def test_the_shape_is_the_broadcast_one_and_slices_stay_on_the_right():
    x = torch.randn(7, 1, 4, 5, 6)  # batch (7, 1)
    i = torch.randint(4, (3, 1, 1))  # enumerated, to the left of the batch
    j = torch.randint(6, (2,))
    assert Vindex(x)[..., i, :, j].shape == (3, 7, 2, 5)
    assert Vindex(x)[..., :, :, j].shape == (7, 2, 4, 5)


def test_without_tensors_it_is_ordinary_indexing():
    x = torch.randn(4, 5, 6)
    for args in [
        (..., 1, slice(None)),
        (2, slice(None), -1),
        (...,),
        (slice(None), 3),
        (..., slice(1, 3), slice(None, None, 2)),
    ]:
        torch.testing.assert_close(vindex(x, args), x[args], rtol=0, atol=0)
    torch.testing.assert_close(Vindex(x)[2], x[2], rtol=0, atol=0)
    torch.testing.assert_close(Vindex(x)[...], x, rtol=0, atol=0)


def test_a_scalar_tensor_reads_what_its_number_reads():
    x = torch.randn(4, 5, 6)
    number = torch.tensor(3)
    torch.testing.assert_close(Vindex(x)[..., number, :], x[..., 3, :], rtol=0, atol=0)
    torch.testing.assert_close(Vindex(x)[number], x[3], rtol=0, atol=0)


def test_dims_without_an_index_are_kept_on_the_right_where_there_is_no_batch():
    x = torch.randn(4, 5, 6)
    i = torch.tensor([[0, 3], [1, 1]])
    torch.testing.assert_close(Vindex(x)[i], x[i], rtol=0, atol=0)
    assert Vindex(x)[i].shape == (2, 2, 5, 6)


def test_a_slice_cuts_its_dim_before_the_look_up():
    x = torch.randn(4, 5, 6)
    i = torch.tensor([3, 0])
    torch.testing.assert_close(Vindex(x)[i, 1:4, 2], x[:, 1:4, 2][i], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.int8, torch.uint8])
def test_small_integers_are_numbers_and_never_a_mask(dtype):
    x = torch.randn(2, 3)
    torch.testing.assert_close(Vindex(x)[torch.tensor([1, 0, 1], dtype=dtype)], x[[1, 0, 1]], rtol=0, atol=0)


def test_the_gradient_of_an_entry_counts_how_often_it_is_read():
    x = torch.zeros(2, 3, requires_grad=True)
    index = torch.tensor([[0, 2], [0, 0]])
    Vindex(x)[..., index].sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.0, 1.0]]))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda x: Vindex(x)[0, 0, 0, 0], r"4 indices for a tensor of 3 dims, shape \(2, 3, 4\)"),
        (lambda x: Vindex(x)[..., 0, 0, 0, 0], "4 indices for a tensor of 3 dims"),
        (lambda x: Vindex(x)[0, ...], "an ellipsis that is not its first index"),
        (lambda x: Vindex(x)[..., 0, ...], "an ellipsis that is not its first index"),
        (lambda x: Vindex(x)[None], "got None as an index, a NoneType"),
        (lambda x: Vindex(x)[True], "got True as an index, a bool"),
        (lambda x: Vindex(x)[[0, 1]], r"got \[0, 1\] as an index, a list"),
        (lambda x: Vindex(x)[torch.tensor([True, False])], r"dtype torch.bool.*torch\.where"),
        (lambda x: Vindex(x)[torch.tensor([1.0])], r"dtype torch.float32.*Write \.long\(\)"),
        (
            lambda x: Vindex(x)[..., torch.tensor([0, 1, 0]), :],
            r"shapes \(3,\) for a tensor of batch shape \(2,\); these do not broadcast",
        ),
        (
            lambda x: Vindex(x)[torch.tensor([0, 1]), torch.tensor([0, 1, 2])],
            r"shapes \(2,\), \(3,\) for a tensor of batch shape \(\)",
        ),
        (lambda x: Vindex([1, 2])[0], r"got \[1, 2\], a list; it takes a tensor"),
    ],
)
def test_what_it_does_not_take_is_said(read, message):
    with pytest.raises(ArgumentError, match=message):
        read(torch.zeros(2, 3, 4))
