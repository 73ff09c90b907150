"""Data structures whose addresses are names."""

import copy
import pickle

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.autoname.named import Dict, List, Object
from virgil.errors import ArgumentError

NORMAL = dist.Normal(0.0, 1.0)


def test_addresses_are_written_as_python_writes_them():
    state = Object("state")
    state.xs = List()
    state.ys = Dict()
    assert str(state.x.y.z) == "state.x.y.z"
    assert [str(state.xs.add()), str(state.xs.add())] == ["state.xs[0]", "state.xs[1]"]
    assert str(state.ys["foo"].bar) == "state.ys['foo'].bar"
    assert str(state.ys[3]) == "state.ys[3]"
    assert (str(state.xs), str(state.ys), repr(state.x)) == ("state.xs", "state.ys", "Object('state.x')")


def test_values_of_statements_stand_at_their_addresses():
    state = Object("state")
    with poutine.trace() as tracer:
        loc = state.loc.param_(torch.zeros(()))
        z = state.z.sample_(dist.Normal(loc, 1.0))
        state.x.sample_(NORMAL, obs=torch.tensor(2.0))
        state.xs = List()
        part = state.xs.add()
        part.w.sample_(NORMAL)
        state.xs.add().sample_(NORMAL)
        state.ys = Dict()
        state.ys["k"].sample_(NORMAL)
    assert list(tracer.trace) == ["state.loc", "state.z", "state.x", "state.xs[0].w", "state.xs[1]", "state.ys['k']"]
    assert tracer.trace["state.x"].observed
    assert virgil.get_param_store()["state.loc"] is loc
    assert state.z is z
    assert state.xs[0] is part
    assert state.xs[1] is tracer.trace["state.xs[1]"].value
    assert state.ys["k"] is tracer.trace["state.ys['k']"].value


def test_a_root_has_its_own_address():
    rows = List("rows")
    table = Dict("table")
    rows.add()
    rows[0] = 5
    table["a"] = 6
    assert (rows, table) == ([5], {"a": 6})
    table["b"] = List()
    assert str(table["b"].add()) == "table['b'][0]"


def test_copies_and_pickles_are_plain():
    state = Object("state")
    state.v = 3
    assert copy.copy(state).v == 3
    assert pickle.loads(pickle.dumps(state)).v == 3
    assert not hasattr(state, "__len__")


def _state():
    state = Object("state")
    state.v = 3
    state.x.y = 1
    state.xs = List()
    state.xs.add().sample_(NORMAL)
    state.ys = Dict()
    state.ys["a"] = 1
    return state


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda s: setattr(s, "v", 4), "state.v holds something already, and each place is written once."),
        (lambda s: setattr(s, "x", 4), "state.x holds something already"),
        (lambda s: s.xs.__setitem__(0, 4), "state.xs[0] holds something already"),
        (lambda s: s.xs.__setitem__(-1, 4), "state.xs[0] holds something already"),
        (lambda s: s.xs.__setitem__(slice(0, 1), [4]), "state.xs is written entry by entry"),
        (lambda s: s.ys.__setitem__("a", 4), "state.ys['a'] holds something already"),
        (lambda s: s.x.sample_(NORMAL), "state.x is no empty place"),
        (lambda s: s.sample_(NORMAL), "state is no empty place"),
        (lambda s: setattr(s, "zs", s.xs), "state.zs was given the List at state.xs, which keeps its address."),
        (lambda s: List().add(), "This List has no address yet. Store it in an Object first"),
        (lambda s: Dict()["a"], "This Dict has no address yet."),
        (lambda s: Object(3), "Object() got 3 as its name; it takes a string."),
    ],
)
def test_each_place_has_an_address_and_is_written_once(wrong, message):
    with pytest.raises(ArgumentError) as error:
        wrong(_state())
    assert message in str(error.value)
