"""Blocks without the tracer's warnings, and the small blocks beside them."""

from __future__ import annotations

import warnings

import pytest
import torch
from pyro.util import (
    ExperimentalWarning,
    ignore_experimental_warning,
    ignore_jit_warnings,
    jit_iter,
    optional,
    timed,
)


# torch calls its tracer deprecated; existing programs use it nonetheless
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*deprecated:FutureWarning")  # since 2.14
def test_the_tracer_warns_without_and_not_within():
    def program(x):
        assert x.sum() > 0
        return 2 * x

    @ignore_jit_warnings()
    def quiet(x):
        return program(x)

    def block(x):
        with ignore_jit_warnings():
            return program(x)

    with pytest.warns(torch.jit.TracerWarning):
        torch.jit.trace(program, torch.ones(2))
    for each in (quiet, block):
        torch.testing.assert_close(torch.jit.trace(each, torch.ones(2))(torch.ones(2)), 2 * torch.ones(2))


def test_other_warnings_are_heard():
    with pytest.warns(UserWarning, match="heard"), ignore_jit_warnings():
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_a_filter_leaves_out_what_begins_so():
    def give(*texts):
        for text in texts:
            warnings.warn(text, torch.jit.TracerWarning, stacklevel=1)
        warnings.warn("a note", DeprecationWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ignore_jit_warnings(["one (", ("a note", DeprecationWarning)]):
            give("one (of them)", "another")
    assert [str(each.message) for each in caught] == ["another"]


def test_experimental_warnings_are_left_out():
    with ignore_experimental_warning():
        warnings.warn("new", ExperimentalWarning, stacklevel=1)
    with pytest.warns(ExperimentalWarning):
        warnings.warn("new", ExperimentalWarning, stacklevel=1)


def test_a_tensor_is_a_list_of_its_rows():
    rows = torch.arange(6).reshape(3, 2)
    assert all(map(torch.equal, jit_iter(rows), rows))
    assert len(jit_iter(rows)) == 3


@pytest.mark.parametrize("condition", [True, False])
def test_a_block_is_entered_on_its_condition(condition):
    with optional(torch.no_grad(), condition):
        assert torch.is_grad_enabled() is not condition
    assert torch.is_grad_enabled()


def test_a_block_is_timed():
    readings = iter([2.0, 5.0])
    block = timed()
    assert block.__enter__(timer=lambda: next(readings)) is block
    block.__exit__(None, None, None)
    assert (block.start, block.end, block.elapsed) == (2.0, 5.0, 3.0)
