"""Blocks after which a store is as it was, and the store in use."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from virgil.distributions import constraints
from virgil.errors import ParamError
from virgil.params import ParamStore, clear_param_store, default_store, get_param_store


class OnPurposeError(Exception):
    """Leaves a block early."""


def test_scope_starts_empty_and_ends_as_before():
    store = ParamStore()
    store["outer"] = torch.ones(1)
    with store.scope() as state:
        assert list(store) == []
        store["inner"] = torch.zeros(1)
        leaf = store.unconstrained("inner")
    assert list(store) == ["outer"]
    assert state["params"]["inner"] is leaf
    with store.scope(state) as again:
        assert store.unconstrained("inner") is leaf
    assert again is state


def test_scope_ends_under_an_exception():
    store = ParamStore()
    with suppress(OnPurposeError), store.scope() as state:
        store["x"] = torch.ones(1)
        raise OnPurposeError
    assert list(store) == []
    assert list(state["params"]) == ["x"]


def test_discarding_takes_everything_back():
    source, store = ParamStore(), ParamStore()
    source["loaded"] = torch.tensor([7.0])
    store.set_state(source.get_state())
    store["kept"] = torch.ones(2)
    store["gone"] = torch.ones(2)
    kept, gone, own = store.unconstrained("kept"), store.unconstrained("gone"), nn.Parameter(torch.zeros(1))
    with suppress(OnPurposeError), store.discarding():
        store["new"] = torch.ones(1)
        store["kept"] = torch.zeros(2)
        del store["gone"]
        store.bind("loaded", own)
        store.bind("module", nn.Parameter(torch.zeros(1)))
        assert own.item() == 7.0
        raise OnPurposeError
    assert set(store) == {"loaded", "kept", "gone"}
    assert store.unconstrained("kept") is kept
    assert store.unconstrained("gone") is gone
    assert kept.tolist() == [1.0, 1.0]
    assert own.item() == 0.0
    store.bind("loaded", own)  # still waits to be taken up
    assert own.item() == 7.0


def test_discarding_nests():
    store = ParamStore()
    with store.discarding():
        store["a"] = torch.ones(1)
        with store.discarding():
            store["b"] = torch.ones(1)
        assert list(store) == ["a"]
    assert list(store) == []


def test_discarding_leaves_other_threads_alone():
    store = ParamStore()
    with store.discarding():
        store["mine"] = torch.ones(1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(store.get_param, "theirs", torch.ones(1)).result()
    assert list(store) == ["theirs"]


def test_substituted_values_are_read_instead():
    store, module = ParamStore(), nn.Parameter(torch.ones(1))
    store.get_param("scale", torch.tensor([1.0]), constraints.positive)
    store["loc"] = torch.zeros(2)
    store.bind("weight", module)
    other = {"scale": torch.tensor([2.0]), "loc": torch.tensor([5.0, 6.0]), "weight": torch.tensor([3.0])}
    with store.substituted(other):
        torch.testing.assert_close(store["scale"], torch.tensor([2.0]).exp())
        assert store.get_param("scale", torch.tensor([1.0]), constraints.positive).unconstrained() is other["scale"]
        assert store["loc"] is store.unconstrained("loc") is other["loc"]
        assert dict(store.named_parameters()) == other
        store.bind("weight", module)
        with pytest.raises(ParamError, match=r"'late' was not known when the step was captured"):
            store.get_param("late", torch.ones(1))
        with pytest.raises(ParamError, match="not known when"):
            store.bind("late", module)
    assert store["loc"].tolist() == [0.0, 0.0]
    assert "late" not in store
    assert dict(store.named_parameters())["weight"] is module


def test_substituted_values_may_be_tracers():
    store = ParamStore()
    init = torch.tensor([1.0])
    store.get_param("scale", init, constraints.positive)

    def function(leaf):
        with store.substituted({"scale": leaf}):
            return store.get_param("scale", init, constraints.positive) * 2

    graph = make_fx(function)(torch.tensor([0.0]))
    assert [node.target for node in graph.graph.nodes if node.op == "call_function"] == [
        torch.ops.aten.exp.default,
        torch.ops.aten.mul.Tensor,
    ]
    torch.testing.assert_close(graph(torch.tensor([1.0])), 2 * torch.tensor([1.0]).exp())


def test_substitution_is_of_one_thread():
    store = ParamStore()
    store["x"] = torch.zeros(1)
    with store.substituted({"x": torch.ones(1)}), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: store.get_param("x", torch.zeros(1)).item()).result() == 0.0
        pool.submit(store.get_param, "y", torch.zeros(1)).result()
    assert set(store) == {"x", "y"}


def test_the_store_in_use_nests():
    first, second = ParamStore(), ParamStore()
    assert get_param_store() is default_store
    with first:
        with suppress(OnPurposeError), second:
            assert get_param_store() is second
            with first, first:
                assert get_param_store() is first
            raise OnPurposeError
        assert get_param_store() is first
        get_param_store()["x"] = torch.ones(1)
        clear_param_store()
    assert list(first) == []
    assert get_param_store() is default_store


def test_threads_use_stores_of_their_own():
    barrier = threading.Barrier(8)

    def work(number: int) -> list[str]:
        with ParamStore() as store:
            barrier.wait()
            for index in range(50):
                get_param_store().get_param(f"{number}.{index}", torch.tensor(float(number)))
            barrier.wait()
            assert all(value.item() == number for value in store.values())
            return list(store)

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(work, range(8)))
    assert names == [[f"{number}.{index}" for index in range(50)] for number in range(8)]
    assert list(default_store) == []


def test_threads_that_make_one_name_get_one_leaf():
    store, barrier = ParamStore(), threading.Barrier(8)

    def work(number: int) -> int:
        barrier.wait()
        return id(store.get_param("x", torch.tensor(float(number))))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(8)))) == 1


def test_blocks_of_a_thread_are_its_own():
    """Some discard and some hold others, all at once, and leave in the order in which they came."""
    store, barrier, seen = ParamStore(), threading.Barrier(8), {}
    store["x"] = torch.zeros(1)
    leaf = store.unconstrained("x")

    def work(number: int) -> None:
        block = [store.discarding, store.scope][number % 2]()
        for turn in range(16):
            if turn == number:
                block.__enter__()
                store["x"] = torch.full((number + 1,), float(number))
            if turn == 8 + number:
                block.__exit__(None, None, None)
            barrier.wait()
            seen[number, turn] = store["x"].tolist()
            barrier.wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for (number, turn), value in seen.items():
        assert value == ([float(number)] * (number + 1) if number <= turn < 8 + number else [0.0])
    assert store.unconstrained("x") is leaf
    assert list(store) == ["x"]


def test_a_name_that_one_thread_makes_for_a_while_is_not_anothers():
    store = ParamStore()
    with store.discarding():
        tried = store.get_param("x", torch.ones(1))
        with ThreadPoolExecutor(1) as pool:
            kept = pool.submit(store.get_param, "x", torch.zeros(1)).result()
        assert store["x"] is tried
    assert store["x"] is kept
    assert store.param_name(kept) == "x"
    assert store.param_name(tried) is None
