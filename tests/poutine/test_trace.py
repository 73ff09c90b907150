"""``Trace``: its sites by their keys, sums of log-probabilities against hand computation, the table of shapes."""

import pytest
import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import DuplicateSiteError, ShapeError


def model(data, more=1.0):
    loc = virgil.param("loc", torch.tensor(0.5))
    z = virgil.sample("z", dist.Normal(loc, 1.0), infer={"option": 3})
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(z, more), obs=data)
    return virgil.deterministic("twice", 2 * z)


DATA = torch.tensor([1.0, 2.0, 3.0])


@pytest.fixture
def trace():
    return poutine.trace(model).get_trace(DATA, more=2.0)


def test_keys_of_sample_sites(trace):
    z, x = trace.nodes["z"], trace.nodes["x"]
    assert (z["type"], z["name"], z["is_observed"], z["infer"]) == ("sample", "z", False, {"option": 3})
    assert (x["type"], x["is_observed"], x["scale"], x["mask"]) == ("sample", True, 1.0, None)
    assert isinstance(z["fn"], dist.Normal)
    assert z["args"] == ()
    assert z["kwargs"] == {}
    assert [(f.name, f.dim, f.size) for f in x["cond_indep_stack"]] == [("data", -1, 3)]
    expected = td.Normal(z["value"], 2.0).log_prob(DATA)
    assert torch.allclose(x["log_prob"], expected)
    assert torch.allclose(x["log_prob_sum"], expected.sum())
    assert "value" in x
    assert "done" not in x
    assert x.get("nothing", 7) == 7
    assert set(x.keys()) == set(x)
    assert repr(x).startswith("Site(sample 'x'")


def test_keys_of_other_sites(trace):
    assert list(trace.nodes) == ["_INPUT", "loc", "z", "data", "x", "twice", "_RETURN"]
    assert trace.nodes["_INPUT"]["args"] == (DATA,)
    assert trace.nodes["_INPUT"]["kwargs"] == {"more": 2.0}
    assert trace.nodes["_RETURN"]["value"] is trace.nodes["twice"]["value"]
    assert trace.nodes["loc"]["type"] == "param"
    assert trace.nodes["loc"]["value"] == 0.5
    assert trace.nodes["data"]["value"].tolist() == [0, 1, 2]
    assert trace.nodes["twice"]["type"] == trace.nodes["data"]["type"] == "sample"
    assert trace.nodes["twice"]["is_observed"]


def test_a_key_can_be_set_where_that_makes_sense(trace):
    z = trace.nodes["z"]
    before = z["log_prob"]
    z["value"] = torch.tensor(4.0)
    assert z["log_prob"] != before
    with pytest.raises(KeyError, match=r"Key 'log_prob' of a site cannot be set. These can: .*value, and keys"):
        z["log_prob"] = before
    with pytest.raises(KeyError, match=r"A site has no key 'valeu'. It has: .*value"):
        z["valeu"]


def test_a_site_is_used_as_a_mapping(trace):
    x = trace.nodes["x"]
    assert "log_prob" not in dict(x)
    log_prob = x["log_prob"]
    assert dict(x)["log_prob"] is log_prob
    assert dict(x.items()).keys() == set(x)
    assert len(x.values()) == len(x.keys())
    copied = x.copy()
    copied.update({"note": 3}, scale=2.0)
    assert (copied["note"], copied["scale"]) == (3, 2.0)
    assert torch.equal(copied["log_prob"], 2 * log_prob)
    assert ("note" in x, x["scale"]) == (False, 1.0)
    del copied["note"]
    assert "note" not in copied
    with pytest.raises(KeyError, match="no key 'value' of a program's own"):
        del copied["value"]
    copied["type"] = "param"
    assert copied.kind == "param"


def test_the_scale_of_a_site_includes_the_weights_of_plates():
    with poutine.trace() as tracer, virgil.plate("data", 10, subsample_size=2):
        virgil.sample("x", dist.Normal(0.0, 1.0))
    x = tracer.trace.nodes["x"]
    assert x["scale"] == 5.0
    x["scale"] = 15.0
    assert (x["scale"], x.scale) == (15.0, 3.0)
    torch.testing.assert_close(x["log_prob"], 15.0 * x["unscaled_log_prob"])


def test_sites_by_kind(trace):
    assert trace.stochastic_nodes == ["z"]
    assert trace.observation_nodes == ["x"]
    assert trace.param_nodes == ["loc"]
    assert trace.reparameterized_nodes == ["z"]
    assert trace.nonreparam_stochastic_nodes == []
    assert [name for name, _ in trace.iter_stochastic_nodes()] == ["z"]
    assert "z" in trace
    assert len(trace) == len(list(trace)) == 7
    assert trace["z"] is trace.nodes["z"]
    assert repr(trace) == "Trace(_INPUT, loc, z, data, x, twice, _RETURN)"


def test_log_prob_sum_with_plates_scale_mask_and_mini_batch():
    data, keep, factor = torch.randn(2, 6), torch.rand(2, 3) > 0.4, 0.25

    def weighted():
        g = virgil.sample("g", dist.Normal(0.0, 1.0))
        with virgil.plate("rows", 2, dim=-2), poutine.scale(scale=factor):
            r = virgil.sample("r", dist.Normal(g, 1.0))
            with virgil.plate("columns", 6, subsample_size=3, dim=-1) as columns, poutine.mask(mask=keep):
                virgil.sample("x", dist.Normal(r, 2.0), obs=data[:, columns])
        for i in virgil.plate("rounds", 4, subsample_size=2):
            virgil.sample(f"s_{i}", dist.Normal(g, 1.0))

    trace = poutine.trace(weighted).get_trace()
    value = {name: trace.nodes[name]["value"] for name in trace.nodes if name[0] != "_"}
    g, r, columns = value["g"], value["r"], value["columns"]
    assert r.shape == (2, 1)
    expected = td.Normal(0.0, 1.0).log_prob(g) + factor * td.Normal(g, 1.0).log_prob(r).sum()
    likelihood = (td.Normal(r, 2.0).log_prob(data[:, columns]) * keep).sum()
    expected = expected + factor * 6 / 3 * likelihood
    rounds = [value[name] for name in value if name.startswith("s_")]
    assert len(rounds) == 2
    expected = expected + 4 / 2 * sum(td.Normal(g, 1.0).log_prob(each) for each in rounds)
    assert torch.isclose(trace.log_prob_sum(), expected, rtol=1e-5)
    only_x = trace.log_prob_sum(lambda name, site: name == "x")
    assert torch.isclose(only_x, factor * 2 * likelihood, rtol=1e-5)
    assert trace.nodes["x"]["scale"] == factor * 2
    unscaled = trace.nodes["x"]["unscaled_log_prob"]
    assert torch.allclose(unscaled[keep], td.Normal(r, 2.0).log_prob(data[:, columns])[keep])


def test_compute_log_prob_asks_each_distribution_once():
    asked = []

    class Counting(dist.Normal):
        def log_prob(self, value):
            asked.append(1)
            return super().log_prob(value)

    trace = poutine.trace(lambda: virgil.sample("z", Counting(0.0, 1.0))).get_trace()
    assert asked == []
    trace.compute_log_prob(lambda name, site: name != "z")
    assert asked == []
    trace.compute_log_prob()
    trace.log_prob_sum()
    assert asked == [1]


def test_copy_is_independent(trace):
    new = trace.copy()
    new.nodes["z"]["value"] = torch.tensor(9.0)
    del new.nodes["x"]
    assert trace.nodes["z"]["value"] != 9.0
    assert "x" in trace.nodes


def test_detach_cuts_the_graph(trace):
    assert trace.nodes["z"]["value"].requires_grad
    assert trace.nodes["z"]["log_prob"].requires_grad
    trace.detach_()
    assert not trace.nodes["z"]["value"].requires_grad
    assert trace.nodes["z"]["log_prob"].requires_grad  # still a function of the parameter
    assert not trace.nodes["twice"]["value"].requires_grad


def test_parameters_may_be_read_twice_and_other_names_not():
    def twice(statement):
        def program():
            statement()
            statement()

        return program

    reads = poutine.trace(twice(lambda: virgil.param("p", torch.zeros(())))).get_trace()
    assert reads.param_nodes == ["p"]
    message = r"Site 'z' is declared twice.*a second sample site.*f'z_\{i\}'"
    with pytest.raises(DuplicateSiteError, match=message) as error:
        poutine.trace(twice(lambda: virgil.sample("z", dist.Normal(0.0, 1.0)))).get_trace()
    assert error.value.site == "z"
    with pytest.raises(DuplicateSiteError, match=r"Site 'p' is declared twice.*a second plate site"):
        poutine.trace(twice(lambda: virgil.plate("p", 2))).get_trace()


def test_names_are_unique_across_kinds():
    def program():
        virgil.param("p", torch.zeros(()))
        virgil.sample("p", dist.Normal(0.0, 1.0))

    with pytest.raises(DuplicateSiteError, match="a sample site came where a param site of this name already is"):
        poutine.trace(program).get_trace()


def test_format_shapes_aligns_batch_and_event():
    def shaped():
        virgil.param("w", torch.zeros(5, 7))
        with virgil.plate("rows", 2, dim=-2):
            virgil.sample("m", dist.MultivariateNormal(torch.zeros(4), torch.eye(4)))
            with virgil.plate("columns", 3, dim=-1):
                virgil.sample("x", dist.Normal(0.0, 1.0), obs=torch.zeros(2, 3))

    trace = poutine.trace(shaped).get_trace()
    trace.compute_log_prob()
    lines = trace.format_shapes().splitlines()
    assert lines[0] == "Trace Shapes:"
    cells = {tuple(line.split("|")[0].split()): line.split("|")[1].split() for line in lines if "|" in line}
    assert cells[("w",)] == ["5", "7"]
    assert cells[("m", "dist", "2", "1")] == ["4"]
    assert cells[("log_prob", "2", "3")] == []
    assert cells[("x", "dist", "2", "3")] == []
    assert len({line.index("|") for line in lines if "|" in line}) == 1
    assert "x dist" not in trace.format_shapes(title="Mine", last_site="m")
    assert trace.format_shapes(title="Mine").startswith("Mine\n")


def test_an_error_of_shape_shows_the_table_up_to_there():
    def wrong():
        virgil.sample("fine", dist.Normal(torch.zeros(()), 1.0))
        with virgil.plate("data", 3):
            virgil.sample("x", dist.Normal(torch.zeros(4), 1.0))

    message = r"At site 'x'.*\(4,\).*plate 'data' has size 3[\s\S]*Shapes up to there:[\s\S]*fine dist"
    with pytest.raises(ShapeError, match=message):
        poutine.trace(wrong).get_trace()


def test_param_only():
    with poutine.trace(param_only=True) as capture:
        model(DATA)
    assert list(capture.trace.nodes) == ["loc"]
    assert list(poutine.trace(model, param_only=True).get_trace(DATA).nodes) == ["loc"]


def test_a_tracer_begins_anew_each_time():
    tracer = poutine.trace()
    for name in ("a", "b"):
        with tracer:
            virgil.sample(name, dist.Normal(0.0, 1.0))
        assert list(tracer.trace) == [name]
        assert list(tracer.get_trace()) == [name]
    traced = poutine.trace(model)
    traced(DATA)
    assert traced.trace.stochastic_nodes == ["z"]


def test_sites_marked_so_are_not_recorded():
    def model():
        noise = virgil.sample("noise", dist.Normal(0.0, 1.0), infer={"_do_not_trace": True, "is_auxiliary": True})
        virgil.sample("x", dist.Normal(0.0, 1.0))
        return noise

    first = poutine.trace(model).get_trace()
    assert first.stochastic_nodes == ["x"]
    second = poutine.trace(poutine.replay(model, trace=first)).get_trace()
    assert second.nodes["x"]["value"] == first.nodes["x"]["value"]
    assert second.nodes["_RETURN"]["value"] != first.nodes["_RETURN"]["value"]  # drawn anew
