"""The drawing: source that Graphviz reads, boxes as plates are, what is drawn and what is not."""

from __future__ import annotations

import re
import sys

import pygraphviz
import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.explain.dependent_programs import DATA, PROGRAMS, crossing
from tests.pairs import chained, enumerated, plain
from virgil.errors import ArgumentError
from virgil.explain.render import render_model
from virgil.infer import config_enumerate
from virgil.infer.autoguide import AutoMultivariateNormal
from virgil.params import ParamStore

PAIRS = {**plain.PAIRS, **enumerated.PAIRS, **chained.PAIRS}
EVERYTHING = {"render_distributions": True, "render_params": True, "render_deterministic": True, "max_rounds": 1000}


def graph(drawing):
    return pygraphviz.AGraph(string=drawing.source)


def boxes(each):
    """By label of a box, the nodes in it and the boxes in it; of boxes with one label, all together."""
    found = {}
    for box in each.subgraphs():
        nodes, inner = found.setdefault(box.graph_attr["label"], (set(), {}))
        nodes.update(box.nodes())
        inner.update(boxes(box))
    return found


def drawn(program, *args, **options):
    with ParamStore():
        return render_model(program, model_args=args, **options)


@pytest.mark.parametrize(("model", "guide"), PAIRS.values(), ids=PAIRS)
def test_every_statement_of_model_and_guide_is_a_node(model, guide):
    with ParamStore():
        picture = graph(render_model(model, guide, **EVERYTHING))
    with ParamStore():
        traces = [virgil.poutine.trace(program).get_trace() for program in (guide, model)]
    names = {
        name.partition("$$$")[0]
        for trace in traces
        for name, site in trace.nodes.items()
        if site.kind in ("sample", "param", "deterministic")
    }
    assert set(picture.nodes()) == names


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_can_be_laid_out(program):
    with ParamStore():
        assert "<svg" in render_model(program, **EVERYTHING).svg()


def test_plates_are_boxes_in_boxes():
    def model():
        virgil.sample("a", dist.Normal(0.0, 1.0))
        with virgil.plate("outer", 3, dim=-2):
            virgil.sample("b", dist.Normal(0.0, 1.0))
            with virgil.plate("inner", 10, subsample_size=4):
                virgil.sample("c", dist.Normal(0.0, 1.0))
        for i in virgil.plate("rounds", 2):
            virgil.sample(f"d_{i}", dist.Normal(0.0, 1.0))

    assert boxes(graph(drawn(model))) == {
        "outer: 3": ({"b", "c"}, {"inner: 4 of 10": ({"c"}, {})}),
        "rounds: 2": ({"d_0", "d_1"}, {}),
    }


def test_a_parameter_is_in_a_plate_if_it_has_an_entry_a_slot():
    def model():
        with virgil.plate("data", 3):
            shared = virgil.param("shared", torch.ones(()))
            own = virgil.param("own", torch.zeros(3), event_dim=0)
            virgil.sample("x", dist.Normal(own, shared), obs=DATA)

    assert boxes(graph(drawn(model, render_params=True))) == {"data: 3": ({"own", "x"}, {})}


def test_crossing_plates_are_drawn_twice():
    assert boxes(graph(drawn(crossing))) == {
        "rows: 2": ({"row", "x"}, {"columns: 3": ({"x"}, {})}),
        "columns: 3": ({"column"}, {}),
    }


def mixture(data):
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("data", len(data)):
        which = virgil.sample("which", dist.Categorical(weights))
        loc = virgil.deterministic("loc", torch.tensor([-1.0, 1.0])[which])
        virgil.sample("x", dist.Normal(loc, 1.0), obs=data)


def weights_guide(data):
    start = virgil.param("start", torch.ones(2), constraint=dist.constraints.positive)
    virgil.sample("weights", dist.Dirichlet(start))


def encoding_guide(data):
    start = virgil.param("start", torch.ones(2), constraint=dist.constraints.positive)
    weights = virgil.sample("weights", dist.Dirichlet(start))
    with virgil.plate("data", len(data)):
        virgil.sample("which", dist.Categorical(logits=data.unsqueeze(-1) * weights))


def labels(drawing):
    picture = graph(drawing)
    return {name: picture.get_node(name).attr["label"] for name in picture.nodes()}


def edges(drawing, dashed=False):
    """The edges of the model, or those of the guide, as the source has them: the parser takes parallel ones for one."""
    found = re.findall(r'^  "([^"]+)" -> "([^"]+)"(.*);$', drawing.source, re.MULTILINE)
    return {(parent, child) for parent, child, style in found if ("style=dashed" in style) == dashed}


def test_a_guide_is_laid_over_the_model():
    picture = drawn(mixture, DATA, guide=encoding_guide, render_params=True)
    assert edges(picture) == {("weights", "which"), ("which", "x")}
    assert edges(picture, dashed=True) == {("start", "weights"), ("weights", "which"), ("x", "which")}


def test_what_is_summed_out_is_marked():
    marked = config_enumerate(mixture)
    assert "summed out" in labels(drawn(marked, DATA, guide=weights_guide))["which"]
    assert labels(drawn(marked, DATA, guide=encoding_guide))["which"] == "which"  # the guide draws it
    assert "enumerated" in labels(drawn(mixture, DATA, guide=config_enumerate(encoding_guide)))["which"]
    assert "enumerated" in labels(drawn(marked, DATA))["which"]
    assert labels(drawn(mixture, DATA))["which"] == "which"


def test_observed_sites_are_grey():
    nodes = graph(drawn(mixture, DATA))
    assert [name for name in nodes.nodes() if nodes.get_node(name).attr["fillcolor"]] == ["x"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {("weights", "which"), ("which", "x")}),
        ({"render_deterministic": True}, {("weights", "which"), ("which", "loc"), ("loc", "x")}),
    ],
)
def test_what_is_not_drawn_passes_its_parents_on(options, expected):
    assert edges(drawn(mixture, DATA, **options)) == expected


def test_distributions_are_written():
    picture = drawn(mixture, DATA, guide=weights_guide, render_distributions=True, render_params=True)
    written = labels(picture)
    assert ">Dirichlet<" in written["weights"]
    assert ">q: Dirichlet<" in written["weights"]
    assert ">Normal<" in written["x"]
    assert ">positive<" in written["start"]


def chain(data):
    state = virgil.sample("start", dist.Normal(0.0, 1.0))
    for t in virgil.markov(range(len(data))):
        state = virgil.sample(f"z_{t}", dist.Normal(state, 1.0))
        virgil.sample(f"x_{t}", dist.Normal(state, 1.0), obs=data[t])
    virgil.sample("last", dist.Normal(state, 1.0))


def test_one_node_stands_for_the_rest_of_a_long_loop():
    picture = drawn(chain, torch.zeros(9), max_rounds=2)
    assert labels(picture)["7 more steps (1)"] == "⋯ 7 more steps"
    assert edges(picture) == {
        ("start", "z_0"),
        ("z_0", "x_0"),
        ("z_0", "z_1"),
        ("z_1", "x_1"),
        ("z_1", "7 more steps (1)"),
        ("7 more steps (1)", "last"),
    }


def test_a_loop_with_one_round_too_many_is_drawn():
    assert len(labels(drawn(chain, torch.zeros(3), max_rounds=2))) == 8


def test_rows_of_the_data_are_told_apart():
    """A guide that reads one row, or one column, of the data depends on that observation alone."""
    data = torch.zeros(3, 2)

    def model(data):
        for k in range(2):
            with virgil.plate(f"data_{k}", 3):
                virgil.sample(f"x_{k}", dist.Normal(0.0, 1.0), obs=data[:, k])
        virgil.sample("y", dist.Normal(0.0, 1.0), obs=data[2, 0])
        virgil.sample("z", dist.Normal(0.0, 1.0))

    def guide(data):
        virgil.sample("z", dist.Normal(data[:2, 0].mean(), 1.0))

    assert edges(drawn(model, data, guide=guide), dashed=True) == {("x_0", "z")}


def test_mini_batches_are_followed_to_their_data():
    def model(data):
        with virgil.plate("data", 3, subsample_size=2):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(z, 1.0), obs=virgil.subsample(data, 0))

    def guide(data):
        with virgil.plate("data", 3, subsample_size=2) as batch:
            virgil.sample("z", dist.Normal(data[batch], 1.0))

    assert edges(drawn(model, DATA, guide=guide), dashed=True) == {("x", "z")}


NAMES = ['say "x"', "back\\", "a<b>&c", "two\nlines", "Größe", "node", "a -> b;"]


def test_any_name_can_be_drawn():
    def model():
        for name in NAMES:
            with virgil.plate(f"plate of {name}", 2):
                virgil.sample(name, dist.Normal(0.0, 1.0))

    drawing = render_model(model, render_distributions=True)
    assert len(graph(drawing).nodes()) == len(NAMES)
    assert drawing.svg().count("<ellipse") == len(NAMES)


@pytest.mark.parametrize(
    ("ending", "start"),
    [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph"), ("gv", b"digraph")],
)
def test_files(tmp_path, ending, start):
    path = tmp_path / f"model.{ending}"
    drawing = render_model(mixture, model_args=(DATA,), filename=path)
    assert path.read_bytes().startswith(start)
    assert drawing._repr_svg_() == drawing.svg()


def test_the_arguments_may_stand_second():
    assert render_model(mixture, (DATA,)) == render_model(mixture, model_args=(DATA,))
    assert render_model(mixture, model_kwargs={"data": DATA}) == render_model(mixture, (DATA,))


@pytest.mark.parametrize(
    ("args", "options", "said"),
    [
        (("model",), {}, "'model' as its model"),
        ((mixture, DATA), {}, "as its guide"),
        ((mixture,), {"model_args": DATA}, "model_args of type Tensor"),
        ((mixture,), {"model_args": (DATA,), "max_rounds": 0}, "max_rounds=0"),
        ((mixture,), {"model_args": (DATA,), "filename": "x.jpeg"}, ".svg, .pdf, .png, .dot"),
    ],
)
def test_wrong_arguments(args, options, said):
    with pytest.raises(ArgumentError) as caught:
        render_model(*args, **options)
    assert said in str(caught.value)


def test_without_pygraphviz_there_is_the_source(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = render_model(mixture, (DATA,), filename=tmp_path / "model.dot")
    with pytest.raises(ArgumentError, match=r"virgil-ppl\[plot\]"):
        drawing.svg()


def test_a_part_of_a_joint_draw_has_no_family_of_its_own():
    def model():
        virgil.sample("a", dist.Normal(0.0, 1.0))
        virgil.sample("b", dist.Gamma(1.0, 1.0))

    with ParamStore():
        drawing = render_model(model, AutoMultivariateNormal(model), render_distributions=True)
    assert not any("q: " in label for label in labels(drawing).values())
    assert edges(drawing, dashed=True) == {("_AutoMultivariateNormal_latent", name) for name in "ab"}
