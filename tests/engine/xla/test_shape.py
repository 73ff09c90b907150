"""Views, joins, cuts and padding, lowered, agree with eager torch."""

import itertools

import pytest
import torch

from tests.engine.xla.harness import (
    assert_lowered,
    assert_samples_lowered,
    lowerings_in,
    operators_of,
    samples_of,
)
from virgil.engine.xla.lowerings import shape

aten = torch.ops.aten

OPERATORS = [
    "block_diag",
    "cat",
    "chunk",
    "diag_embed",
    "diagonal",
    "expand",
    "flip",
    "kron",
    "mT",
    "movedim",
    "narrow_copy",
    "nn.functional.pad/constant",
    "nn.functional.pad/reflect",
    "nn.functional.pad/replicate",
    "nn.functional.pad/replicate_negative",
    "nn.functional.pixel_shuffle",
    "permute_copy",
    "repeat",
    "roll",
    "select",
    "slice",
    "split/list_args",
    "squeeze",
    "stack",
    "tril",
    "unbind_copy",
    "unfold",
    "unsqueeze",
    "view_copy",
]


def samples(name):
    """In float64 with derivatives, and of whole numbers and truth values."""
    wholes = [torch.int64] if "pad/re" in name else [torch.int64, torch.bool]  # torch pads no truth values so
    return [
        *samples_of(name, torch.float64, 5, True),
        *(s for each in wholes for s in samples_of(name, each, 2, False)),
    ]


@pytest.mark.every_engine
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_torch(name):
    assert_samples_lowered(samples(name))


def bits(dtype):
    return lambda x: x.view(dtype)


numbers = torch.linspace(-2, 3, 24, dtype=torch.float64).reshape(3, 8)


def padded_on_three_axes(x):
    padded = torch.nn.functional.pad(x, (1, 0, 2, 1, 0, 3), mode="replicate")
    return padded, *torch.autograd.grad(padded.sum(), x)


OTHERS = {
    "same bits, as many": (bits(torch.int64), numbers),
    "same bits, more": (bits(torch.int16), numbers),
    "same bits, fewer": (bits(torch.complex128), numbers),
    "a copied element": (lambda x: aten.select_copy(x, -1, -2), numbers),
    "a copied slice": (lambda x: aten.slice_copy(x, 1, -5, 100, 2), numbers),
    "pairs as complex numbers": (lambda x: torch.view_as_complex(x.reshape(3, 4, 2)), numbers),
    "complex numbers as pairs": (torch.view_as_real, torch.complex(numbers, numbers.flip(0))),
    "the lower triangle": (lambda x: x[tuple(torch.tril_indices(3, 8, 1))], numbers),
    "the upper triangle": (lambda x: x[tuple(torch.triu_indices(3, 8, -1))], numbers),
    "the ends repeated on three axes": (padded_on_three_axes, numbers.reshape(1, 2, 3, 4).requires_grad_()),
    "no elements": (lambda x: x[:0].reshape(-1, 2).expand(4, 0, 2).permute(2, 0, -2).flip(0), numbers),
    "a slice of nothing": (lambda x: (x[2:1], x[5:9], x[-9:1]), numbers),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_table_of_torch_has_not(name):
    assert_lowered(*OTHERS[name], rtol=0, atol=0)


def test_joins_of_two_dtypes():
    dtypes = torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool
    pairs = list(itertools.product(dtypes, repeat=2))
    ones = {dtype: torch.ones(2, dtype=dtype) for dtype in dtypes}
    assert_lowered(lambda ones: [torch.cat([ones[a], ones[b]]) for a, b in pairs], ones)
    assert_lowered(lambda x, none: torch.cat([x, none], 1), numbers.float(), torch.zeros(0, dtype=torch.float64))


@pytest.mark.every_engine
def test_every_lowering_is_reached():
    reached = set().union(*(each.operators for name in OPERATORS for each in samples(name)))
    reached |= set().union(*(operators_of(*each) for each in OTHERS.values()))
    reached |= operators_of(lambda: (torch.tril_indices(3, 3), torch.triu_indices(3, 3)))
    assert lowerings_in(shape) <= reached
