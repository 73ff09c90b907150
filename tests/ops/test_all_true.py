"""The question whether a condition holds everywhere, by torch's private name for it and without."""

import types

import pytest
import torch
from torch.overrides import TorchFunctionMode

import virgil.distributions as dist
from virgil.distributions.core.validation import unchecked_by_torch
from virgil.errors import ArgumentError
from virgil.ops.all_true import all_true
from virgil.poutine import scale


class _Passing(TorchFunctionMode):
    """Another mode, inside or outside."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=[True, False], ids=["named", "unnamed"])
def is_named(request, monkeypatch):
    """Torch with its private names, and without them: its distributions then call ``Tensor.all``."""
    if not request.param:
        stand_in = types.SimpleNamespace(**vars(torch))
        ask = types.FunctionType((lambda x: x.all()).__code__, {"__name__": "torch.distributions.distribution"})
        stand_in._is_all_true = ask
        monkeypatch.setattr("torch.distributions.distribution.torch", stand_in)
        monkeypatch.delattr(torch, "_is_all_true")
    return request.param


@pytest.mark.usefixtures("is_named")
def test_without_a_name_for_tensors_that_are_traced_all_have_values(monkeypatch):
    monkeypatch.delattr(torch, "_is_functional_tensor")
    assert all_true(torch.tensor([True, True]))
    assert not all_true(torch.tensor([True, False]))


@pytest.mark.usefixtures("is_named")
def test_all_elements_are_asked():
    assert all_true(torch.tensor([True, True]))
    assert not all_true(torch.tensor([True, False]))
    assert all_true(torch.ones(0, dtype=torch.bool))


@pytest.mark.usefixtures("is_named")
def test_values_count_as_valid_in_an_unchecked_block_and_only_there():
    wrong = {"loc": torch.zeros(2), "scale": torch.tensor([1.0, -1.0])}
    with unchecked_by_torch(), _Passing():
        made = torch.distributions.Normal(**wrong)
        assert not bool((torch.ones(2) < 0).all())  # a program's own question
        assert not torch.all(made.scale > 0)
    with _Passing(), pytest.raises(ValueError, match="scale"):
        torch.distributions.Normal(**wrong)
    with pytest.raises(ValueError, match="support"):
        dist.Beta(1.0, 1.0).log_prob(torch.tensor(2.0))


@pytest.mark.usefixtures("is_named")
def test_a_scale_must_be_positive():
    assert scale(scale=torch.tensor([1.0, 2.0])) is not None
    with pytest.raises(ArgumentError, match="must be positive"):
        scale(scale=torch.tensor([1.0, 0.0]))
    with unchecked_by_torch():
        assert scale(scale=torch.tensor([1.0, 0.0])) is not None
