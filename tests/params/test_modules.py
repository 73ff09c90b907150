"""Tensors that modules own: the store holds the same object."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from virgil.distributions import constraints
from virgil.errors import ParamError
from virgil.params import ParamStore


def leaf_of(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def test_the_store_holds_the_modules_tensor():
    store, leaf = ParamStore(), leaf_of(0.0, 1.0)
    store.bind("scale", leaf, constraints.positive)
    store.bind("scale", leaf, constraints.positive)
    assert store.unconstrained("scale") is leaf
    torch.testing.assert_close(store["scale"], torch.tensor([0.0, 1.0]).exp())


def test_a_loaded_value_is_taken_up_once():
    source, store = ParamStore(), ParamStore()
    source["loc"] = torch.tensor([3.0, 4.0])
    store.set_state(source.get_state())
    leaf, later = leaf_of(0.0, 0.0), leaf_of(9.0, 9.0)
    store.bind("loc", leaf)
    assert store.unconstrained("loc") is leaf
    assert leaf.tolist() == [3.0, 4.0]
    store.bind("loc", later)  # another module: it takes the name, and keeps its values
    assert store.unconstrained("loc") is later
    assert later.tolist() == [9.0, 9.0]


def test_a_statement_takes_a_loaded_value_up():
    source, store = ParamStore(), ParamStore()
    source["loc"] = torch.tensor([3.0])
    store.set_state(source.get_state())
    assert store.get_param("loc", torch.tensor([0.0])).item() == 3.0
    leaf = leaf_of(1.0)
    store.bind("loc", leaf)
    assert leaf.item() == 1.0


@pytest.mark.parametrize(
    ("leaf", "constraint", "says"),
    [
        (leaf_of(1.0), constraints.real, r"shape \(1,\).*\(2,\)"),
        (leaf_of(1.0, 2.0), constraints.positive, "GreaterThan"),
    ],
)
def test_a_loaded_value_that_does_not_fit_is_an_error(leaf, constraint, says):
    source, store = ParamStore(), ParamStore()
    source["loc"] = torch.tensor([3.0, 4.0])
    store.set_state(source.get_state())
    before = leaf.detach().clone()
    with pytest.raises(ParamError, match=f"(?s)'loc'.*{says}"):
        store.bind("loc", leaf, constraint)
    assert torch.equal(leaf, before)
    assert store["loc"].tolist() == [3.0, 4.0]


def test_loading_writes_into_live_tensors():
    store, leaf = ParamStore(), leaf_of(1.0)
    store.bind("loc", leaf)
    state = store.get_state()
    with torch.no_grad():
        leaf.add_(5.0)
    store.set_state(state)
    assert store.unconstrained("loc") is leaf
    assert leaf.item() == 1.0


def test_a_new_module_takes_what_was_loaded_over_an_old_one():
    store, old, new, later = ParamStore(), leaf_of(1.0), leaf_of(2.0), leaf_of(3.0)
    store.bind("loc", old)
    state = store.get_state()
    with torch.no_grad():
        old.add_(5.0)
    store.set_state(state)
    store.bind("loc", new)
    assert [old.item(), new.item()] == [1.0, 1.0]
    store.set_state(state)
    store.bind("loc", new)  # used by its module: from here on the value is the module's, not the file's
    store.bind("loc", later)
    assert later.item() == 3.0


def test_assignment_reaches_the_module():
    store, leaf = ParamStore(), leaf_of(1.0)
    store.bind("scale", leaf, constraints.positive)
    store["scale"] = torch.tensor([1.0])
    assert leaf.item() == 0.0
    with pytest.raises(ParamError, match="a module owns it as"):
        store["scale"] = torch.ones(2)


def test_integers_cannot_be_bound():
    with pytest.raises(ParamError, match=r"torch\.int64"):
        ParamStore().bind("count", torch.zeros(2, dtype=torch.int64))


def test_a_leaf_that_does_not_fit_its_constraint():
    with pytest.raises(ParamError, match="does not fit its constraint"):
        ParamStore().bind("x", leaf_of(1.0, 2.0), constraints.corr_cholesky)
