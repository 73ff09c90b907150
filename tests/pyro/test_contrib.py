"""The old paths of ``contrib``, and the helper functions that stand there for old programs alone."""

import importlib
import weakref
from collections import OrderedDict

import pyro
import pyro.contrib.bnn.utils as weights
import pyro.contrib.util as util
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine

PATHS = [
    ("autoguide", "AutoNormal"),
    ("autoname", "autoname name_count named sample scope"),
    ("autoname.autoname", "AutonameMessenger NameScope ScopeStack autoname genname sample"),
    ("autoname.named", "Dict List Object"),
    ("autoname.scoping", "NameCountMessenger ScopeMessenger name_count scope"),
    ("bnn", "HiddenLayer"),
    ("bnn.hidden_layer", "HiddenLayer"),
    ("bnn.utils", "adjoin_ones_vector adjoin_zeros_vector xavier_uniform"),
    (
        "conjugate.infer",
        "BetaBinomialPair CollapseConjugateMessenger GammaPoissonPair UncollapseConjugateMessenger collapse_conjugate "
        "posterior_replay uncollapse_conjugate",
    ),
    ("randomvariable", "RandomVariable"),
    ("randomvariable.random_variable", "RVChainOps RVMagicOps RandomVariable"),
    (
        "util",
        "check_no_weakref get_indices iter_plates_to_shape lexpand rdiag rexpand rmm rmv rtril rvv tensor_to_dict",
    ),
    ("zuko", "ZukoToPyro"),
]


@pytest.mark.parametrize(("path", "names"), PATHS, ids=[path for path, _ in PATHS])
def test_old_paths_lead_to_the_rooms(path, names):
    module = importlib.import_module(f"pyro.contrib.{path}")
    missing = [name for name in names.split() if not hasattr(module, name)]
    assert not missing


def test_a_function_precedes_the_module_of_its_name():
    importlib.import_module("pyro.contrib.autoname.autoname")
    from pyro.contrib.autoname import autoname

    assert callable(autoname)


def test_every_distribution_is_a_random_variable():
    squared = (dist.Normal(0.0, 1.0).rv ** 2).dist
    point = torch.tensor(1.5)
    assert squared.log_prob(point).item() == pytest.approx(dist.Chi2(1.0).log_prob(point).item(), rel=1e-5)


def test_messengers_of_names_are_contexts():
    from pyro.contrib.autoname.scoping import NameCountMessenger, ScopeMessenger

    with poutine.trace() as tracer, NameCountMessenger():
        for _ in range(2):
            with ScopeMessenger(prefix="a"):
                pyro.sample("x", dist.Normal(0.0, 1.0))
    assert tracer.trace.stochastic_nodes == ["a/x", "a__1/x"]


def test_a_stack_of_scopes_numbers_names():
    from pyro.contrib.autoname.autoname import NameScope, ScopeStack

    stack = ScopeStack()
    assert (stack.global_scope, stack.current_scope, stack.fresh_name("a")) == (None, None, "a")
    outer, inner = NameScope("x"), NameScope("y")
    stack.push_scope(outer)
    assert [stack.fresh_name(name) for name in "aab"] == ["a", "a1", "b"]
    stack.push_scope(inner)
    assert stack.fresh_name("a") == "a"
    assert (stack.global_scope, stack.current_scope, str(inner)) == (outer, inner, "y")
    assert stack.pop_scope() is inner
    assert stack.pop_scope() is outer
    with pytest.raises(ValueError, match=r"pop_scope\(\) was called outside of all scopes."):
        stack.pop_scope()


def test_products_are_those_of_einsum():
    matrices, others, vectors = torch.randn(2, 3, 4), torch.randn(2, 4, 5), torch.randn(2, 4)
    assert torch.allclose(util.rmv(matrices, vectors), torch.einsum("bmn,bn->bm", matrices, vectors), atol=1e-6)
    assert torch.allclose(util.rmm(matrices, others), torch.einsum("bmn,bnk->bmk", matrices, others), atol=1e-6)
    assert torch.allclose(util.rvv(vectors, vectors), torch.einsum("bn,bn->b", vectors, vectors), atol=1e-6)
    assert util.rmv(matrices, torch.randn(5, 2, 4)).shape == (5, 2, 3)


def test_expansions_diagonals_and_triangles():
    values = torch.randn(2, 3)
    assert torch.equal(util.rexpand(values, 4, 5)[..., 3, 4], values)
    assert torch.equal(util.lexpand(values, 4, 5)[3, 4], values)
    assert (util.rexpand(values, 4, 5).shape, util.lexpand(values, 4, 5).shape) == ((2, 3, 4, 5), (4, 5, 2, 3))
    assert torch.equal(util.rdiag(values)[1], torch.diag(values[1]))
    assert util.rtril(torch.ones(2, 2)).tolist() == [[1, 0], [1, 1]]
    assert util.rtril(torch.ones(2, 2), diagonal=-1).tolist() == [[0, 0], [1, 0]]
    assert util.rtril(torch.ones(2, 2), upper=True).tolist() == [[1, 1], [0, 1]]


SIZES = OrderedDict(a=2, b=3, c=1)


def test_parts_of_a_vector_have_names():
    assert util.get_indices(["a", "b"], sizes=SIZES).tolist() == [0, 1, 2, 3, 4]
    assert util.get_indices(["c", "a"], sizes=SIZES).tolist() == [0, 1, 5]
    assert util.get_indices([], sizes=SIZES).tolist() == []
    tensors = {name: torch.zeros(size, 7) for name, size in SIZES.items()}
    assert util.get_indices(["c"], tensors=tensors).tolist() == [5]
    vectors = torch.arange(12.0).reshape(2, 6)
    parts = util.tensor_to_dict(SIZES, vectors, subset=["c", "b"])
    assert {name: part.tolist() for name, part in parts.items()} == {
        "b": [[2.0, 3.0, 4.0], [8.0, 9.0, 10.0]],
        "c": [[5.0], [11.0]],
    }
    assert torch.equal(torch.cat(list(util.tensor_to_dict(SIZES, vectors).values()), -1), vectors)
    with pytest.raises(ValueError, match=r"get_indices\(\) got the name 'q', which no part has."):
        util.get_indices(["q"], sizes=SIZES)
    with pytest.raises(ValueError, match=r"get_indices\(\) needs sizes= or tensors="):
        util.get_indices(["a"])


def test_a_plate_for_each_dim_of_a_shape():
    from contextlib import ExitStack

    with ExitStack() as stack:
        for plate in util.iter_plates_to_shape((3, 2)):
            stack.enter_context(plate)
        assert pyro.sample("x", dist.Normal(0.0, 1.0)).shape == (3, 2)
    assert [plate.name for plate in util.iter_plates_to_shape((3, 2))] == ["plate_0", "plate_1"]


class Holder:
    pass


def test_weak_references_are_found_where_they_are():
    holder = Holder()
    holder.parts = [1, {"key": (torch.zeros(2), "text")}]
    holder.itself = holder
    util.check_no_weakref(holder)
    reference = weakref.ref(Holder)
    holder.parts[1]["key"] += (reference,)
    with pytest.raises(ValueError, match=r"Weakref found at model\[parts\]\[1\]\[key\]\[2\]"):
        util.check_no_weakref(holder, "model")
    util.check_no_weakref(holder, avoid_ids={id(holder.parts)})
    with pytest.raises(ValueError, match="Weakref found at x"):
        util.check_no_weakref(weakref.proxy(holder), "x")


def test_first_weights_and_columns():
    drawn = weights.xavier_uniform(300, 400)
    assert drawn.shape == (300, 400)
    bound = (6 / 700) ** 0.5
    assert drawn.abs().max() <= bound
    assert drawn.var().item() == pytest.approx(bound**2 / 3, rel=0.02)  # 9 standard errors
    assert weights.adjoin_ones_vector(torch.zeros(2, 1)).tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert weights.adjoin_zeros_vector(torch.ones(2, 1)).tolist() == [[1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("room", ["gp", "oed", "cevae"])
def test_rooms_that_come_later_say_so(room):
    with pytest.raises(ModuleNotFoundError, match=rf"pyro.contrib.{room} is not there yet."):
        importlib.import_module(f"pyro.contrib.{room}")
