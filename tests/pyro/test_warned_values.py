"""Questions and warnings about NaN and infinity."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from pyro.util import torch_float, torch_isinf, torch_isnan, warn_if_inf, warn_if_nan


@pytest.mark.parametrize("value", [1.0, torch.zeros(3), torch.tensor([math.inf]), torch.tensor([1, 2])])
def test_no_warning_without_nan(value):
    assert warn_if_nan(value, "in the loss") is value


@pytest.mark.parametrize("value", [math.nan, torch.tensor([1.0, math.nan])])
def test_a_nan_is_named(value):
    with pytest.warns(UserWarning, match="^Encountered NaN in the loss: "):
        assert warn_if_nan(value, "in the loss") is value


def test_a_nan_gradient_is_named():
    x = torch.zeros(2, requires_grad=True)
    y = warn_if_nan(x * 1.0, "under the root")
    with pytest.warns(UserWarning, match="NaN gradient under the root"):
        (y.sqrt() * 0.0).sum().backward()  # infinity times zero


@pytest.mark.parametrize(
    ("value", "options", "kinds"),
    [
        (math.inf, {}, ["+inf"]),
        (-math.inf, {}, ["-inf"]),
        (torch.tensor([math.inf, -math.inf]), {}, ["+inf", "-inf"]),
        (torch.tensor([math.inf, -math.inf]), {"allow_posinf": True}, ["-inf"]),
        (torch.tensor([math.inf, -math.inf]), {"allow_neginf": True}, ["+inf"]),
        (torch.tensor([math.inf, -math.inf]), {"allow_posinf": True, "allow_neginf": True}, []),
        (torch.tensor([1, 2]), {}, []),
        (math.nan, {}, []),
    ],
)
def test_infinity_is_named(value, options, kinds):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert warn_if_inf(value, "here", **options) is value
    assert [str(each.message).split(" here: ")[0] for each in caught] == [f"Encountered {kind}" for kind in kinds]
    assert {each.filename for each in caught} <= {__file__}


def test_an_infinite_gradient_is_named():
    x = torch.zeros(2, requires_grad=True)
    y = warn_if_inf(x * 1.0, "under the root")
    with pytest.warns(UserWarning, match=r"\+inf gradient under the root"):
        y.sqrt().sum().backward()


def test_a_warning_names_the_place_that_is_given():
    with pytest.warns(UserWarning, match="NaN") as caught:
        warn_if_nan(math.nan, filename="program.py", lineno=7)
    assert [(each.filename, each.lineno) for each in caught] == [("program.py", 7)]


@pytest.mark.parametrize("entries", [[1.0], [math.nan, 0.0], [math.inf], [-math.inf, 2.0]])
def test_numbers_and_tensors_are_asked_alike(entries):
    tensor = torch.tensor(entries)
    assert torch_isnan(tensor).item() == any(torch_isnan(each) for each in entries) == any(map(math.isnan, entries))
    assert torch_isinf(tensor).item() == any(torch_isinf(each) for each in entries) == any(map(math.isinf, entries))


def test_floating_point_of_both():
    assert isinstance(torch_float(1), float)
    assert torch_float(torch.tensor(1)).dtype == torch.float32
