"""The parameter store as a dict from names to constrained values."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from torch import nn

from virgil.distributions import constraints
from virgil.errors import FitWarning, MissingParamError, ParamError
from virgil.params import ParamStore


@pytest.fixture
def store():
    return ParamStore()


def test_a_value_is_a_differentiable_function_of_its_leaf(store):
    scale = store.get_param("scale", torch.tensor([2.0, 3.0]), constraints.positive)
    leaf = store.unconstrained("scale")
    assert leaf.is_leaf
    assert leaf.requires_grad
    torch.testing.assert_close(leaf.detach(), torch.tensor([math.log(2), math.log(3)]))
    scale.sum().backward()
    torch.testing.assert_close(leaf.grad, torch.tensor([2.0, 3.0]))  # d exp(x) / dx = exp(x)


def test_a_value_answers_with_its_leaf(store):
    for constraint in (constraints.real, constraints.positive, constraints.real_vector):
        name = str(constraint)
        value = store.get_param(name, torch.ones(3), constraint)
        assert value.unconstrained() is store.unconstrained(name)
    assert store["Real()"] is store.unconstrained("Real()")


def test_the_users_tensor_is_not_the_leaf(store):
    init = torch.ones(2)
    store.get_param("x", init)
    with torch.no_grad():
        store.unconstrained("x").add_(1)
    assert init.tolist() == [1.0, 1.0]


def test_a_lazy_init_is_called_once(store):
    calls = []

    def init():
        calls.append(1)
        return torch.ones(2)

    for _ in range(3):
        store.get_param("x", init)
    assert len(calls) == 1


def test_a_number_is_a_value(store):
    assert store.get_param("x", 3).item() == 3.0
    store.get_param("y", 0.5, constraints.unit_interval)
    assert store.unconstrained("y").item() == 0.0


def test_reading_needs_no_declaration(store):
    store.get_param("scale", torch.tensor(2.0), constraints.positive)
    assert store.get_param("scale").item() == pytest.approx(2.0)
    assert store.setdefault("scale", torch.tensor(5.0), constraints.positive).item() == pytest.approx(2.0)


def test_as_a_dict(store):
    store["a"] = torch.tensor([1.0])
    store.get_param("b", torch.tensor(2.0), constraints.positive)
    assert list(store) == list(store.keys()) == ["a", "b"]
    assert len(store) == 2
    assert "a" in store
    assert "c" not in store
    assert [value.tolist() for value in store.values()] == [[1.0], 2.0]
    assert [name for name, _ in store.items()] == ["a", "b"]
    assert [leaf is store.unconstrained(name) for name, leaf in store.named_parameters()] == [True, True]
    assert store.get_all_param_names() == {"a", "b"}
    assert store.constraint("b") is constraints.positive
    assert repr(store) == "ParamStore(a: (1,), b: ())"
    del store["a"]
    assert list(store) == ["b"]
    store.clear()
    assert list(store) == []
    assert store, "an empty store is still a store"


def test_match_is_a_regular_expression(store):
    for name in ("net.weight", "net.bias", "scale"):
        store[name] = torch.zeros(1)
    assert set(store.match("net")) == {"net.weight", "net.bias"}
    assert set(store.match(".*s")) == {"net.bias", "scale"}


def test_names_of_tensors(store):
    value = store.get_param("scale", torch.tensor(2.0), constraints.positive)
    assert store.param_name(value) == store.param_name(value.unconstrained()) == "scale"
    assert store.param_name(torch.zeros(1)) is None
    del store["scale"]
    assert store.param_name(value) is None


def test_assignment_keeps_leaf_and_constraint(store):
    store.get_param("scale", torch.tensor([2.0]), constraints.positive)
    leaf = store.unconstrained("scale")
    store["scale"] = torch.tensor([math.e])
    assert store.unconstrained("scale") is leaf
    assert store.constraint("scale") is constraints.positive
    assert leaf.item() == pytest.approx(1.0)
    with pytest.raises(ParamError, match="outside the constraint"):
        store["scale"] = torch.tensor([-1.0])
    store["scale"] = torch.ones(3)
    assert store["scale"].shape == (3,)
    assert store.unconstrained("scale") is not leaf


def test_replace_param(store):
    old = store.get_param("scale", torch.tensor([2.0]), constraints.positive)
    store.replace_param("scale", torch.tensor([3.0]), old)
    assert store["scale"].item() == pytest.approx(3.0)
    with pytest.raises(ParamError, match="not the present value of parameter 'scale'"):
        store.replace_param("scale", torch.tensor([3.0]), torch.tensor([2.0]))


@pytest.mark.parametrize("read", ["__getitem__", "__delitem__", "unconstrained", "constraint", "get_param"])
def test_a_missing_name_gives_the_closest(store, read):
    store["sigma"] = torch.ones(1)
    with pytest.raises(MissingParamError, match=r"no parameter 'sigmma' in the store\. Did you mean 'sigma'\?"):
        getattr(store, read)("sigmma")
    with pytest.raises(KeyError):
        getattr(store, read)("sigmma")


def test_another_shape_is_an_error(store):
    store.get_param("x", torch.ones(3), constraints.real)
    with pytest.raises(
        ParamError, match=r"'x' was declared with shape \(4,\), but the store holds it with shape \(3,\)"
    ):
        store.get_param("x", torch.ones(4))
    with pytest.raises(ParamError, match=r"clear_param_store\(\) for all, del store\['x'\] for this one"):
        store.get_param("x", torch.ones(1, 3))


def test_the_shape_that_counts_is_the_constrained_one(store):
    first = store.get_param("factor", torch.eye(3), constraints.corr_cholesky)
    assert store.unconstrained("factor").shape == (3,)
    assert torch.equal(store.get_param("factor", torch.eye(3), constraints.corr_cholesky), first)
    with pytest.raises(ParamError, match=r"\(3, 3\)"):
        store.get_param("factor", torch.zeros(3), constraints.corr_cholesky)


def test_another_constraint_is_an_error(store):
    store.get_param("x", torch.ones(3), constraints.positive)
    with pytest.raises(
        ParamError, match=r"Interval\(lower_bound=0.0, upper_bound=1.0\).*GreaterThan\(lower_bound=0.0\)"
    ):
        store.get_param("x", torch.ones(3) / 2, constraints.unit_interval)
    with pytest.raises(ParamError, match="constraint"):
        store.get_param("x", torch.ones(3))
    store.get_param("x", torch.ones(3), constraints.greater_than(0.0))  # structurally the same
    bound = torch.tensor([0.0, 1.0])
    store.get_param("y", torch.full((2,), 2.0), constraints.greater_than(bound))
    store.get_param("y", torch.full((2,), 2.0), constraints.greater_than(bound.clone()))
    with pytest.raises(ParamError):
        store.get_param("y", torch.full((2,), 2.0), constraints.greater_than(bound + 1))


@pytest.mark.parametrize(
    ("init", "constraint", "says"),
    [
        (torch.tensor([1.0, -2.0]), constraints.positive, r"outside the constraint GreaterThan.*: -2\.0\."),
        (torch.tensor([0.5, -0.6]), constraints.simplex, r"outside the constraint Simplex\(\)"),
        (torch.tensor(float("nan")), constraints.real, r"outside the real numbers: nan\. NaN is no value"),
        (torch.tensor(0.0), constraints.nonnegative, "boundary of its constraint"),
        (torch.tensor([1, 2]), constraints.real, r"torch\.int64.*\.float\(\)"),
        (torch.tensor(1.0), constraints.positive_integer, "continuous"),
        (torch.tensor(1.0), "positive", "a str; it takes a constraint"),
        (torch.tensor(1.0), constraints.simplex, "does not fit its constraint"),
        ("1.0", constraints.real, "it takes a tensor, a number, or a function"),
    ],
)
def test_a_wrong_start_is_an_error(store, init, constraint, says):
    with pytest.raises(ParamError, match=f"(?s)'x'.*{says}"):
        store.get_param("x", init, constraint)
    assert "x" not in store


def test_whole_numbers_of_a_constrained_parameter_become_floats(store):
    assert store.get_param("n", torch.tensor(3), constraints.positive).item() == pytest.approx(3.0, rel=1e-6)
    assert store["n"].dtype == torch.float32
    with pytest.warns(FitWarning, match=r"'big' .* torch\.int64 that torch\.float32 rounds: 16777217"):
        store.get_param("big", torch.tensor(2**24 + 1), constraints.positive)
    with pytest.warns(FitWarning, match="begins inside, at 0.25"):
        shares = store.get_param("counts", torch.tensor([1, 3]), constraints.simplex)
    torch.testing.assert_close(shares, torch.tensor([0.25, 0.75]))
    with pytest.raises(ParamError, match=r"'flag' got a tensor of dtype torch\.bool"):
        store.get_param("flag", torch.tensor(True), constraints.positive)


@pytest.mark.parametrize(
    ("init", "constraint", "value"),
    [
        ([3.0, 5.0, 2.0], constraints.simplex, [0.3, 0.5, 0.2]),
        ([[2.0, 7.0], [1.0, 3.0]], constraints.lower_cholesky, [[2.0, 0.0], [1.0, 3.0]]),
    ],
)
def test_a_start_outside_begins_inside_with_a_warning(store, init, constraint, value):
    with pytest.warns(FitWarning, match="Parameter 'x' got an initial value outside.*It begins inside, at"):
        got = store.get_param("x", torch.tensor(init), constraint)
    torch.testing.assert_close(got.detach(), torch.tensor(value))


def test_copies_of_a_store_have_leaves_of_their_own(store):
    store.get_param("scale", torch.tensor([2.0]), constraints.positive)
    store["loc"] = torch.ones(2)
    for copied in (copy.deepcopy(store), pickle.loads(pickle.dumps(store))):
        assert list(copied) == ["scale", "loc"]
        assert copied.unconstrained("scale") is not store.unconstrained("scale")
        torch.testing.assert_close(copied["scale"], store["scale"])


def test_a_copied_leaf_is_no_parameter(store):
    value = store.get_param("loc", torch.ones(2))
    with pytest.raises(ParamError, match="copy of a parameter's value"):
        copy.deepcopy(value).unconstrained()


def test_a_modules_tensor_still_pickles(store):
    module = nn.Linear(2, 1)
    for name, leaf in module.named_parameters():
        store.bind(name, leaf)
    assert store["weight"] is module.weight
    pickled = pickle.loads(pickle.dumps(module))
    torch.testing.assert_close(pickled.weight, module.weight)
