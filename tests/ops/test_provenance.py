"""Marks go from arguments to results, through nested values, changes in place and derivatives."""

import pytest
import torch

from virgil.ops.provenance import (
    ProvenanceTensor,
    detach_provenance,
    extract_provenance,
    get_provenance,
    track_provenance,
)

A, B = frozenset("a"), frozenset("b")


def marked(marks, *shape):
    torch.manual_seed(0)
    return ProvenanceTensor(torch.randn(*shape), marks)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x, y: x + y,
        lambda x, y: 1 - x * y,
        lambda x, y: torch.stack([x, y]),
        lambda x, y: torch.where(x > 0, y, 0.0),
        lambda x, y: torch.nn.functional.linear(x, y.unsqueeze(0)),
        lambda x, y: (x + y).max(0),
        lambda x, y: (x[y.argmax()],),
    ],
)
def test_results_have_the_marks_of_all_arguments(fn):
    x, y = marked(A, 3), marked(B, 3)
    found, expected = fn(x, y), fn(detach_provenance(x), detach_provenance(y))
    assert get_provenance(found) == A | B
    assert get_provenance(expected) == frozenset()
    for one, other in zip(extract_provenance(found)[0], expected, strict=True):
        assert torch.equal(one, other)


def test_no_marks_are_a_plain_tensor():
    x = torch.ones(2)
    assert ProvenanceTensor(x) is x
    assert type(track_provenance(x, frozenset())) is torch.Tensor
    assert type(detach_provenance(marked(A, 2))) is torch.Tensor


def test_nested_values():
    value = {"x": [marked(A, 2), 3], "y": (torch.ones(1), marked(B, 1)), "z": "word"}
    plain, marks = extract_provenance(value)
    assert marks == get_provenance(value) == A | B
    assert get_provenance(plain) == frozenset()
    assert (plain["x"][1], plain["z"]) == (3, "word")
    again = track_provenance(value, frozenset("c"))
    assert get_provenance(again["y"][0]) == frozenset("c")
    assert get_provenance(again["x"][0]) == A | frozenset("c")


def test_properties_and_numbers_are_plain():
    x = marked(A, 2, 3)
    assert isinstance(x, torch.Tensor)
    assert x.shape == torch.Size([2, 3])
    assert type(x.shape) is torch.Size
    assert (x.dim(), x.dtype, len(x)) == (2, torch.float32, 2)
    assert isinstance(x.sum().item(), float)
    assert "frozenset({'a'})" in repr(x)


def test_a_change_in_place_adds_marks():
    x = marked(A, 3)
    x += marked(B, 3)
    assert get_provenance(x) == A | B


def test_derivatives_go_through():
    x = torch.randn(3, requires_grad=True)
    tracked = ProvenanceTensor(x, A)
    (gradient,) = torch.autograd.grad(detach_provenance((tracked**2).sum()), x)
    torch.testing.assert_close(gradient, 2 * x.detach())
