"""The parameter store as old programs use it."""

from __future__ import annotations

import pyro
import pytest
import torch
from pyro.params import module_from_param_with_module_name, param_with_module_name, user_param_name
from pyro.params.param_store import ParamStoreDict, normalize_param_name
from torch import nn
from torch.distributions import constraints

from virgil.errors import FitWarning


@pytest.fixture
def store():
    found = pyro.get_param_store()
    found.setdefault("a", torch.tensor(2.0), constraint=constraints.positive)
    found.get_param("b", torch.ones(3))
    return found


def test_the_store_in_use_is_a_param_store_dict(store):
    assert isinstance(store, ParamStoreDict)
    assert store
    assert not len(ParamStoreDict())


def test_it_is_read_as_a_dict(store):
    assert store.keys() == {"a", "b"} == set(store)
    assert store.get_all_param_names() == {"a", "b"}
    assert [name for name, _ in store.items()] == ["a", "b"]
    assert [value.shape for value in store.values()] == [(), (3,)]
    assert "a" in store
    assert len(store) == 2
    with pytest.raises(KeyError):
        store["c"]
    with pytest.raises(KeyError):
        store.get_param("c")


def test_leaves_and_their_names(store):
    leaves = dict(store.named_parameters())
    assert leaves["a"].item() == pytest.approx(torch.tensor(2.0).log().item())
    assert leaves["a"] is store["a"].unconstrained()
    assert leaves["b"] is store["b"]
    assert store.param_name(leaves["a"]) == "a"
    assert store.param_name(torch.ones(1)) is None


def test_values_are_set_and_taken_away(store):
    store["a"] = torch.tensor(5.0)
    assert store["a"].item() == pytest.approx(5.0)
    assert store.named_parameters()[0][1].item() == pytest.approx(torch.tensor(5.0).log().item())
    store["c"] = torch.zeros(2)
    store.replace_param("b", torch.zeros(3), store["b"])
    assert store["b"].tolist() == [0.0] * 3
    del store["c"]
    assert store.match("a|b").keys() == {"a", "b"}
    assert not store.match("c")
    store.clear()
    assert not list(store.keys())


def test_states_and_scopes(store, tmp_path):
    state = store.get_state()
    assert state["constraints"]["a"] == constraints.positive
    with store.scope() as scope:
        store.setdefault("c", torch.ones(1))
        assert list(store) == ["c"]
    assert list(store) == ["a", "b"]
    with store.scope(scope):
        assert list(store) == ["c"]
    store.save(tmp_path / "params")
    store.clear()
    store.set_state(state)
    assert store["a"].item() == pytest.approx(2.0)
    store.clear()
    store.load(tmp_path / "params", map_location={"cpu": "cpu"})
    assert store["a"].item() == pytest.approx(2.0)


def test_a_second_declaration_gives_what_is_there(store):
    with pytest.warns(FitWarning, match="'a' was declared with the constraint"):
        assert store.get_param("a", torch.tensor(0.5), constraint=constraints.unit_interval).item() == pytest.approx(2)
    with pytest.warns(FitWarning, match="'b' was declared with shape"):
        assert store.setdefault("b", torch.ones(7)).shape == (3,)
    assert pyro.param("a").item() == pytest.approx(2.0)


def test_names_of_modules_parameters():
    assert param_with_module_name("net", "0.weight") == "net$$$0.weight"
    assert module_from_param_with_module_name("net$$$0.weight") == "net"
    assert user_param_name("net$$$0.weight") == "0.weight"
    assert normalize_param_name("net$$$0.weight") == "net.0.weight"
    assert [each("loc") for each in (module_from_param_with_module_name, user_param_name)] == ["loc", "loc"]


@pytest.mark.parametrize("update", [False, True])
def test_a_network_holds_what_was_loaded(update, tmp_path):
    first = pyro.module("net", nn.Linear(2, 1))
    pyro.get_param_store().save(tmp_path / "params")
    pyro.clear_param_store()
    pyro.get_param_store().load(tmp_path / "params")
    second = nn.Linear(2, 1)
    pyro.module("net", second, update_module_params=update)
    assert torch.equal(first.weight, second.weight)
    assert dict(pyro.get_param_store().named_parameters())["net$$$weight"] is second.weight
