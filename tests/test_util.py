"""What programs import from ``virgil.util``."""

from __future__ import annotations

import math

import pytest
import torch

from virgil.util import ignore_jit_warnings, warn_if_nan


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
        warn_if_nan(math.nan, "heard")


@pytest.mark.parametrize("value", [1.0, torch.zeros(3), torch.tensor([math.inf]), torch.tensor([1, 2])])
def test_no_warning_without_nan(value):
    assert warn_if_nan(value, "in the loss") is value


@pytest.mark.parametrize("value", [math.nan, torch.tensor([1.0, math.nan])])
def test_a_nan_is_named(value):
    with pytest.warns(UserWarning, match="NaN in the loss"):
        assert warn_if_nan(value, "in the loss") is value


def test_a_nan_gradient_is_named():
    x = torch.zeros(2, requires_grad=True)
    y = warn_if_nan(x * 1.0, "under the root")
    with pytest.warns(UserWarning, match="NaN gradient under the root"):
        (y.sqrt() * 0.0).sum().backward()  # infinity times zero
