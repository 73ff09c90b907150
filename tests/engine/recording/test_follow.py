"""A run is compared with the transcript of an earlier one, to the last bit, and ends where it differs."""

import math
from contextlib import suppress

import numpy as np
import pytest
import torch

from virgil.engine.recording.follow import beginning, first_difference
from virgil.engine.recording.graph import recorded
from virgil.engine.recording.transcript import transcript_of

X = torch.tensor([1.0, 2.0, 3.0])


def differs(one, other, *args):
    """Whether another function does something else than a recorded one."""
    transcript = transcript_of(recorded(one, *args))
    assert first_difference(transcript, one, *args) is None
    return first_difference(transcript, other, *args)


def scaled(number):
    return lambda x: x * number


def held(tensor):
    return lambda x: x + tensor


def made(value, **options):
    return lambda x: x + torch.tensor(value, **options)


def listed(*parts):
    return lambda x: torch.cat([x, *[x * part for part in parts]])


def differentiated(factor):
    def fn(x):
        x = x.detach().requires_grad_()
        x.register_hook(lambda gradient: gradient * factor)
        return torch.autograd.grad(x.exp().sum(), x)

    return fn


NUMBERS = {
    "a number": (scaled(2.0), scaled(3.0)),
    "the last bit of a number": (scaled(1.0), scaled(math.nextafter(1.0, 2.0))),
    "the sign of zero": (scaled(0.0), scaled(-0.0)),
    "a whole number and one that is not": (scaled(2), scaled(2.0)),
    "one and true": (scaled(1), scaled(True)),
    "a number and none": (lambda x: x.clamp(0.0, 2.0), lambda x: x.clamp(0.0)),
    "a keyword": (lambda x: x.sum(0, keepdim=True)[0], lambda x: x.sum(0)),
    "a dtype": (lambda x: x.to(torch.float64).sum(), lambda x: x.to(torch.int64).sum()),
    "an operator": (lambda x: x.sin(), lambda x: x.cos()),
    "an operator more": (lambda x: x.sin(), lambda x: x.sin().cos()),
    "an operator less": (lambda x: x.sin().cos(), lambda x: x.sin()),
    "an operator more, of which nothing is read": (lambda x: x.sin(), lambda x: [x.sin(), x.cos()][0]),
    "which tensor is read": (lambda x: x.sin() - x.cos(), lambda x: -(x.cos() - x.sin())),
    "the order of arguments": (lambda x: x.sin() - x, lambda x: x - x.sin()),
    "how many are listed": (listed(2.0), listed(2.0, 2.0)),
    "what is given": (lambda x: (x.sin(), x.cos()), lambda x: [x.sin(), x.cos()][::-1]),
    "how many are given": (lambda x: (x.sin(), x.cos()), lambda x: [x.sin(), x.cos()][:1]),
    "noise": (lambda x: x + torch.randn(3), lambda x: x + torch.rand(3)),
    "a derivative alone": (differentiated(1.0), differentiated(2.0)),
    "a tensor that is held": (held(torch.ones(3)), held(torch.tensor([1.0, 1.0, 2.0]))),
    "the last bit of a tensor": (held(torch.ones(())), held(torch.nextafter(torch.ones(()), torch.tensor(2.0)))),
    "the sign of zero in a tensor": (held(torch.zeros(())), held(-torch.zeros(()))),
    "a tensor's shape": (held(torch.ones(())), held(torch.ones(1))),
    "a tensor's dtype": (held(torch.ones(())), held(torch.ones((), dtype=torch.float64))),
    "a tensor's layout": (held(torch.ones(3, 3)), held(torch.ones(3, 3).as_strided((3, 3), (1, 3)))),
    "a tensor that is made": (made(1.0), made(2.0)),
    "a complex tensor": (made(1j), made(2j)),
    "a tensor of whole numbers": (made(1), made(2)),
    "a tensor that is held, and one that is computed": (lambda x: x + torch.ones(3), held(torch.ones(3))),
    "an array": (lambda x: x + torch.from_numpy(np.ones(3)), lambda x: x + torch.from_numpy(np.zeros(3))),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_what_makes_a_difference(name):
    one, other = NUMBERS[name]
    assert differs(one, other, X) is not None
    assert differs(other, one, X) is not None


EQUAL = {
    "a number that is none": (scaled(math.nan), scaled(float("nan"))),
    "a tensor of numbers that are none": (made(math.nan), made(math.nan)),
    "a tensor of equal values": (held(torch.ones(3)), held(torch.ones(3))),
    "truths": (made([True, False, True]), made([True, False, True])),
    "a list and a tuple": (lambda x: torch.cat([x, x]), lambda x: torch.cat((x, x))),
    "what is computed without torch": (scaled(6.0), lambda x: x * sum([1.0, 2.0, 3.0])),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_makes_none(name):
    one, other = EQUAL[name]
    assert differs(one, other, X) is None
    assert differs(other, one, X) is None


def test_one_tensor_may_stand_for_two_that_are_equal_and_two_for_one():
    one, other = torch.ones(3), torch.ones(3)
    both, single = (lambda x: (x + one) * other), (lambda x: (x + one) * one)
    assert differs(both, single, X) is None
    assert differs(single, both, X) is None
    other[0] = 2.0
    assert differs(single, both, X) is not None


def test_a_tensor_is_compared_as_it_is_when_an_engine_reads_it():
    """It may be written without a difference; and another one equals it then no more."""
    tensor = torch.ones(3)
    transcript = transcript_of(recorded(held(tensor), X))
    other = tensor.clone()
    tensor.data.fill_(5.0)
    assert first_difference(transcript, held(tensor), X) is None
    assert first_difference(transcript, held(other), X) is not None
    tensor.data = torch.full((3,), 5.0)  # where no engine knows
    assert first_difference(transcript, held(tensor), X) is not None


def test_a_line_is_named():
    transcript = transcript_of(recorded(scaled(2.0), X))
    difference = first_difference(transcript, lambda x: x.exp(), X)  # this line
    assert "# this line" in difference.line
    ended = first_difference(transcript_of(recorded(lambda x: (x * 2).exp(), X)), scaled(2), X)
    assert "transcript_of(recorded(lambda x: (x * 2).exp()" in ended.line


def test_a_difference_cannot_be_caught_by_the_program():
    def careful(x):
        try:
            return x * 3.0
        except Exception:
            return x * 2.0

    def careless(x):
        with suppress(BaseException):
            x * 3.0
        return x * 2.0

    assert differs(scaled(2.0), careful, X) is not None
    assert differs(scaled(2.0), careless, X) is not None


READS = {
    "as a number": lambda x: x * 2.0 if x.sum().item() > 0 else x,
    "as a truth": lambda x: x * 2.0 if x.sum() > 0 else x,
    "as an array": lambda x: x * 2.0 if x.numpy().sum() > 0 else x,
    "as a list": lambda x: x * 2.0 if x.tolist() else x,
}


@pytest.mark.parametrize("name", READS)
def test_a_run_that_reads_what_varies_differs_though_it_takes_the_same_way(name):
    before = (lambda x: (x.sum(), x * 2.0)[1]) if name in ("as a number", "as a truth") else scaled(2.0)
    assert differs(before, READS[name], X) is not None


def test_what_does_not_vary_may_be_read():
    table = torch.tensor([1.0, 4.0])
    assert differs(lambda x: x * table.max().item(), lambda x: x * table.max().item(), X) is None


def test_an_operator_that_refuses_the_values_of_a_later_run_is_no_difference():
    def fn(x):
        return torch.linalg.cholesky(x).diagonal().log().sum(), torch.poisson(x.diagonal())

    transcript = transcript_of(recorded(fn, torch.eye(3)))
    with pytest.raises(torch.linalg.LinAlgError):
        fn(-torch.eye(3))
    assert first_difference(transcript, fn, -torch.eye(3)) is None
    assert first_difference(transcript, lambda x: fn(2 * x), -torch.eye(3)) is not None


def test_what_a_run_raises_is_raised():
    transcript = transcript_of(recorded(scaled(2.0), X))
    with pytest.raises(ZeroDivisionError):
        first_difference(transcript, lambda x: x * (1 / 0), X)


def test_other_inputs_are_a_difference_where_shapes_or_dtypes_are():
    transcript = transcript_of(recorded(scaled(2.0), X))
    assert first_difference(transcript, scaled(2.0), X + 1.0) is None
    assert first_difference(transcript, scaled(2.0), X[:2]) is not None
    assert first_difference(transcript, scaled(2.0), X.double()) is not None
    assert first_difference(transcript, scaled(2.0), X, X) is not None


def test_the_beginning_of_a_run():
    def first(x):
        return [(x * 2.0).exp()]

    def whole(x):
        return first(x)[0].sum()

    transcript = transcript_of(recorded(whole, X))
    part = beginning(transcript, first, X)
    assert [len(part.calls), len(transcript.calls)] == [2, 3]
    assert first_difference(part, first, X) is None
    assert first_difference(part, whole, X) is not None
    assert first_difference(part, lambda x: [(x * 3.0).exp()], X) is not None
    assert beginning(transcript, lambda x: [x.exp()], X) is None
