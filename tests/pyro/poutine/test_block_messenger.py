"""All ways in which old programs say what is hidden, by the rules that they know."""

import pickle

import pyro
import pytest
import torch
from pyro import poutine
from pyro.poutine.block_messenger import BlockMessenger, _make_default_hide_fn

import virgil.distributions as dist
from virgil.errors import ArgumentError

ALL = ["p", "x", "y", "z", "data"]


def model():
    pyro.param("p", torch.tensor(1.0))
    for name in "xyz":
        pyro.sample(name, dist.Normal(0.0, 1.0))
    pyro.sample("data", dist.Normal(0.0, 1.0), obs=torch.tensor(1.0))


WAYS = [
    ({}, []),
    ({"hide_all": False}, ALL),
    ({"expose_all": True}, ALL),
    ({"hide_all": False, "hide": ["z"]}, ["p", "x", "y", "data"]),
    ({"hide": ["z"]}, ["p", "x", "y", "data"]),
    ({"expose": ["z"]}, ["z"]),
    ({"hide_types": ["param"]}, ["x", "y", "z", "data"]),
    ({"hide_types": ["sample"]}, ["p", "data"]),
    ({"hide_types": ["observe"]}, ["p", "x", "y", "z"]),
    ({"expose_types": ["observe"]}, ["data"]),
    ({"expose_types": ["param"]}, ["p"]),
    ({"hide": ["z"], "expose": ["x", "z"]}, ["x"]),
    ({"hide": ["x"], "expose_types": ["sample"]}, ["y", "z"]),
    ({"hide": ["z"], "hide_types": ["param"]}, ["x", "y", "data"]),
    ({"expose": ["z"], "expose_types": ["param"]}, ["p", "z"]),
    ({"hide_fn": lambda msg: msg["name"] == "z", "hide": ["x"]}, ["p", "x", "y", "data"]),
    ({"expose_fn": lambda msg: msg["name"] == "z"}, ["z"]),
]


@pytest.mark.parametrize(("way", "seen"), WAYS)
@pytest.mark.parametrize("make", [poutine.block, BlockMessenger])
def test_ways(way, seen, make):
    with poutine.trace() as tracer, make(**way):
        model()
    assert list(tracer.trace) == seen


def test_a_blocked_program_can_be_pickled():
    blocked = pickle.loads(pickle.dumps(poutine.block(model, hide=["x"], expose_types=["sample"])))
    assert poutine.trace(blocked).get_trace().stochastic_nodes == ["y", "z"]


def test_contradictions_are_named():
    with pytest.raises(ArgumentError, match="expose_all=True and hide_all=True"):
        _make_default_hide_fn(True, True, None, None, None, None)
    with pytest.raises(ArgumentError, match="hide_fn and expose_fn"):
        poutine.block(hide_fn=bool, expose_fn=bool)
