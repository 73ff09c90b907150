"""Attributes by dotted names, and errors about supports: what old programs write guides with."""

import pytest
import torch
from pyro.infer.autoguide.guides import AutoNormal, deep_setattr
from pyro.infer.autoguide.utils import deep_getattr, helpful_support_errors

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError
from virgil.nn import PyroModule
from virgil.poutine import trace


def test_dotted_attributes():
    top = PyroModule()
    deep_setattr(top, "a.b.c", 3)
    deep_setattr(top, "a.b.d", torch.nn.Parameter(torch.ones(())))
    deep_setattr(top, "e", 4)
    assert (deep_getattr(top, "a.b.c"), deep_getattr(top, "e")) == (3, 4)
    assert list(top.state_dict()) == ["a.b.d"]
    with pytest.raises(AttributeError, match="'x'"):
        deep_getattr(top, "a.x.c")


def test_an_error_about_a_support_names_the_site():
    site = trace(lambda: virgil.sample("n", dist.Poisson(3.0))).get_trace().nodes["n"]
    with pytest.raises(ArgumentError, match="'n', no bijection"), helpful_support_errors(site):
        dist.biject_to(site["fn"].support)


def test_the_path_that_programs_import_from():
    assert issubclass(AutoNormal, virgil.infer.autoguide.AutoNormal)
