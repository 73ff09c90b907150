"""Traces as old programs use them: made by hand, joined by edges, with score parts and packed tensors."""

import itertools

import pyro
import pytest
import torch
from pyro import poutine
from pyro.poutine.trace_messenger import TraceMessenger, identify_dense_edges
from pyro.poutine.trace_struct import Trace, allow_all_sites

import virgil.distributions as dist
from virgil.errors import ArgumentError, DuplicateSiteError, ShapeError

DATA = torch.tensor([0.3, -0.2])


def model():
    p = pyro.param("p", torch.tensor(1.0))
    a = pyro.sample("a", dist.Normal(p, 1.0))
    with poutine.scale(scale=3.0), pyro.plate("d", 4, subsample_size=2):
        pyro.sample("b", dist.Bernoulli(0.3))
        pyro.sample("c", dist.Normal(a, 1.0), obs=DATA)
    for slot in pyro.plate("f", 2):
        pyro.sample(f"g_{slot}", dist.Gamma(2.0, 1.0))
    pyro.deterministic("h", a + 1.0)
    return a


def test_plates_count_among_the_stochastic_nodes():
    trace = poutine.trace(model).get_trace()
    assert trace.stochastic_nodes == ["a", "d", "b", "f", "g_0", "g_1"]
    assert [name for name, _ in trace.iter_stochastic_nodes()] == trace.stochastic_nodes
    assert trace.observation_nodes == ["c", "h"]
    assert trace.reparameterized_nodes == ["a", "g_0", "g_1"]
    assert sorted(trace.nonreparam_stochastic_nodes) == ["b", "d", "f"]
    assert trace.param_nodes == ["p"]
    with poutine.trace() as tracer:
        pyro.plate("d", 4, subsample=torch.tensor([0, 1]))
    assert tracer.get_trace().stochastic_nodes == []


def by_hand():
    trace = Trace()
    trace.add_node("a", type="sample", fn=dist.Normal(0.0, 1.0), value=torch.tensor(0.5), is_observed=False)
    trace.add_node("p", type="param", value=torch.tensor(7.0))
    trace.add_node("c", fn=dist.Normal(0.5, 2.0), value=torch.tensor([0.0, 1.0]), is_observed=True, scale=2.0)
    return trace


def test_a_trace_by_hand_is_scored_replayed_and_conditioned_on():
    trace = by_hand()
    expected = dist.Normal(0.0, 1.0).log_prob(torch.tensor(0.5))
    expected = expected + 2.0 * dist.Normal(0.5, 2.0).log_prob(torch.tensor([0.0, 1.0])).sum()
    torch.testing.assert_close(trace.log_prob_sum(), expected)
    torch.testing.assert_close(trace.log_prob_sum(allow_all_sites), expected)
    torch.testing.assert_close(trace.log_prob_sum(lambda name, site: name == "a"), trace.nodes["a"]["log_prob"])
    assert poutine.replay(model, trace=trace)() == 0.5
    conditioned = poutine.trace(poutine.condition(model, data=trace)).get_trace()
    assert conditioned.nodes["a"]["is_observed"]
    assert conditioned.nodes["c"]["value"].tolist() == [0.0, 1.0]


def test_nodes_are_a_mapping():
    trace = by_hand()
    trace.nodes["z"] = {"type": "sample", "fn": dist.Normal(0.0, 1.0), "value": torch.zeros(()), "is_observed": False}
    assert (trace.nodes["z"]["name"], trace.nodes["z"]["scale"]) == ("z", 1.0)
    assert trace.nodes.pop("z")["type"] == "sample"
    trace.nodes["a"]["value"] = torch.tensor(1.0)
    assert trace.copy().nodes["a"]["value"] == 1.0
    assert [name for name, site in trace.nodes.items() if site["type"] == "sample"] == ["a", "c"]


def test_a_name_is_added_once():
    trace = by_hand()
    trace.add_node("p", type="param", value=torch.tensor(8.0))
    assert trace.nodes["p"]["value"] == 8.0
    with pytest.raises(DuplicateSiteError, match="Multiple sample sites named 'a' were added"):
        trace.add_node("a", type="sample", fn=dist.Normal(0.0, 1.0), value=torch.zeros(()))
    with pytest.raises(DuplicateSiteError, match="Multiple sample and param sites named 'p'"):
        trace.add_node("p", type="sample", fn=dist.Normal(0.0, 1.0), value=torch.zeros(()))
    with pytest.raises(ArgumentError, match="graph_type='deep'"):
        Trace("deep")


def test_edges_and_order():
    trace = Trace()
    edges = {("d", "b"), ("d", "c"), ("b", "a"), ("c", "a")}
    for name in "abcd":
        trace.add_node(name, type="sample", value=None)
    for edge in edges:
        trace.add_edge(*edge)
    assert set(trace.edges) == edges
    assert trace.successors("d") == {"b", "c"}
    assert trace.predecessors("a") == {"b", "c"}
    for order, later in ((trace.topological_sort(), 1), (trace.topological_sort(reverse=True), -1)):
        assert sorted(order) == list("abcd")
        assert all(later * (order.index(second) - order.index(first)) > 0 for first, second in edges)
    copied = trace.copy()
    trace.remove_node("b")
    assert set(trace.edges) == {("d", "c"), ("c", "a")}
    assert list(trace.nodes) == ["a", "c", "d"]
    assert set(copied.edges) == edges


def test_dense_edges_leave_out_other_rounds():
    """All pairs of sample sites, but those of two rounds of one plate."""
    flat = poutine.trace(model).get_trace()
    assert set(flat.edges) == set()
    assert flat.graph_type == "flat"
    identify_dense_edges(flat)
    dense = poutine.trace(model, graph_type="dense").get_trace()
    assert dense.graph_type == "dense"
    names = ["a", "b", "c", "g_0", "g_1", "h"]
    expected = set(itertools.combinations(names, 2)) - {("g_0", "g_1")}
    assert set(dense.edges) == set(flat.edges) == expected
    order = dense.topological_sort()
    assert all(order.index(first) < order.index(second) for first, second in expected)


def test_score_parts():
    """The score is the plain log-density, the rest is scaled; a pathwise variable has no score."""
    trace = poutine.trace(model).get_trace()
    trace.compute_score_parts()
    b, a, c = (trace.nodes[name] for name in "bac")
    log_prob = dist.Bernoulli(0.3).log_prob(b["value"])
    torch.testing.assert_close(b["score_parts"].log_prob, 6.0 * log_prob)
    torch.testing.assert_close(b["score_parts"].score_function, log_prob)
    assert b["score_parts"].entropy_term == 0
    torch.testing.assert_close(a["score_parts"].entropy_term, a["log_prob"])
    assert a["score_parts"].score_function == 0
    torch.testing.assert_close(c["score_parts"].log_prob, c["log_prob"])
    torch.testing.assert_close(c["score_parts"].entropy_term, c["log_prob"])
    assert trace.nodes["d"]["score_parts"].log_prob == trace.nodes["h"]["score_parts"].log_prob == 0


def enumerated():
    a = pyro.sample("a", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
    with pyro.plate("rows", 3, dim=-2), pyro.plate("columns", 2, dim=-1):
        b = pyro.sample("b", dist.Categorical(torch.ones(4) / 4), infer={"enumerate": "parallel"})
        pyro.sample("c", dist.Normal(a + b, 1.0), obs=torch.zeros(2))


def test_packed_tensors_have_letters_for_dims():
    """A letter for each plate and each enumerated variable, the same in all sites; dims of one entry are gone."""
    trace = poutine.trace(poutine.enum(enumerated, first_available_dim=-3)).get_trace()
    trace.compute_log_prob()
    trace.pack_tensors({"rows": "r"})
    letter = {**trace.plate_to_symbol, **{each: trace.nodes[each]["infer"]["_enumerate_symbol"] for each in "ab"}}
    assert letter["rows"] == "r"
    assert len(set(letter.values())) == 4
    assert {trace.symbol_to_dim[letter[each]] for each in letter} == {-1, -2, -3, -4}
    for name, dims, shape in (("a", "a", (2,)), ("c", ["b", "a", "rows", "columns"], (4, 2, 3, 2))):
        packed = trace.nodes[name]["packed"]["log_prob"]
        assert packed._pyro_dims == "".join(letter[each] for each in dims)
        assert packed.shape == shape
        assert torch.equal(packed.flatten(), trace.nodes[name]["log_prob"].flatten())
    assert trace.nodes["b"]["packed"]["unscaled_log_prob"].shape == (4, 3, 2)


def test_a_dim_that_nobody_declares_cannot_be_packed():
    with poutine.trace() as tracer:
        pyro.sample("a", dist.Normal(torch.zeros(3), 1.0))
    tracer.trace.compute_score_parts()
    with pytest.raises(ShapeError, match="site 'a', a tensor of shape .3,. has size 3 at dim -1, which no plate"):
        tracer.trace.pack_tensors()


class Doubling(TraceMessenger):
    """Records values that are doubled, and parameters not at all."""

    def _pyro_post_sample(self, msg):
        if not msg["is_observed"] and msg["name"] != "d":
            msg["value"] = 2 * msg["value"]
        super()._pyro_post_sample(msg)

    def _pyro_post_param(self, msg):
        pass


def test_a_class_derived_from_the_tracer():
    doubling = Doubling()
    with poutine.trace() as outer, doubling:
        value = model()
    assert value == 2 * outer.trace.nodes["a"]["value"] == doubling.trace.nodes["a"]["value"]
    assert "p" not in doubling.trace
    assert "p" in outer.trace
    handler = Doubling()(model)
    trace = handler.get_trace()
    assert next(iter(trace.nodes)) == "_INPUT"
    assert trace.nodes["_RETURN"]["value"] == trace.nodes["a"]["value"]
    assert trace.nodes["_INPUT"]["kwargs"] == {}
    assert handler.msngr.trace is handler.trace
    assert handler.trace is not trace
    assert isinstance(doubling.get_trace(), Trace)
    doubling._reset()
    assert len(doubling.trace) == 0


def test_parameters_alone_are_recorded():
    trace = poutine.trace(model, param_only=True).get_trace()
    assert list(trace.nodes) == ["p"]
