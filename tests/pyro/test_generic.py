"""Programs for any backend."""

from __future__ import annotations

import math

import pyro
import pytest
import torch
from pyro.generic import distributions, handlers, infer, ops, optim, pyro_backend, register_backend
from pyro.generic import pyro as language

from virgil.errors import ArgumentError
from virgil.pyro import generic


def test_by_default_the_names_are_of_the_alias():
    assert (infer.SVI, language.sample, optim.Adam) == (pyro.infer.SVI, pyro.sample, pyro.optim.Adam)
    assert (handlers.trace, distributions.Normal, ops.exp) == (pyro.poutine.trace, pyro.distributions.Normal, torch.exp)
    assert "SVI" in dir(infer)
    with pyro_backend("pyro"):
        assert infer.SVI is pyro.infer.SVI


def test_a_block_has_its_backend_and_inner_ones_theirs():
    with pyro_backend(ops="math"):
        assert ops.exp is math.exp
        with pyro_backend(ops="cmath", infer="math"):
            assert ops.exp is not math.exp
            assert infer.exp is math.exp
        assert ops.exp is math.exp
        assert infer.SVI is pyro.infer.SVI
    assert ops.exp is torch.exp


def test_a_backend_is_put_back_after_an_exception():
    with pytest.raises(ZeroDivisionError), pyro_backend(ops="math"):
        raise ZeroDivisionError
    assert ops.exp is torch.exp


def test_a_registered_backend(monkeypatch):
    monkeypatch.setattr(generic, "_backends", dict(generic._backends))
    register_backend("mine", {"ops": "math"})
    with pyro_backend("mine"):
        assert ops.exp is math.exp
        assert language.sample is pyro.sample


def test_what_cannot_be_chosen():
    with pytest.raises(ArgumentError, match="There is no backend 'piro'. Did you mean 'pyro'?"), pyro_backend("piro"):
        pass
    with (
        pytest.raises(ArgumentError, match="no module 'op' in pyro.generic. Did you mean 'ops'?"),
        pyro_backend(op="x"),
    ):
        pass
    with pytest.raises(ArgumentError, match="one of the two"), pyro_backend("pyro", ops="math"):
        pass
    with pytest.raises(ArgumentError, match="no module 'op'"):
        register_backend("mine", {"op": "math"})
    with pytest.raises(ImportError), pyro_backend(ops="no_such_module"):
        pass
    assert ops.exp is torch.exp


def test_a_name_that_a_backend_lacks():
    with pytest.raises(NotImplementedError, match="The backend pyro.infer has no infer.Sorcery."):
        infer.Sorcery  # noqa: B018
    assert not hasattr(infer, "__wrapped__")
