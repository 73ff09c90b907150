"""Drawings of models as old programs ask for them."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer.inspect import render_model

from virgil.errors import ArgumentError


def model(x, y=None):
    z = pyro.sample("z", dist.Normal(0.0, 1.0))
    y = pyro.sample("y", dist.Bernoulli(logits=z), obs=y)
    pyro.sample("x", dist.Normal(z + y, 1.0), obs=x)


X, Y = torch.tensor(0.3), torch.tensor(1.0)


def test_arguments_come_second():
    graph = pyro.render_model(model, (X, Y), render_distributions=True)
    assert all(f'"{parent}" -> "{child}"' in graph.source for parent, child in ("zy", "zx", "yx"))
    assert "Bernoulli" in graph.source
    assert pyro.render_model is render_model


def test_labels_that_are_there_in_some_runs_are_latent():
    def filled(graph):
        return [line.split('"')[1] for line in graph.source.splitlines() if "style=filled" in line]

    assert filled(render_model(model, model_args=(X, Y))) == ["y", "x"]
    assert filled(render_model(model, model_args=[(X,), (X, Y)])) == ["x"]
    assert filled(render_model(model, model_kwargs=[{"x": X, "y": Y}, {"x": X}])) == ["x"]
    with pytest.raises(ArgumentError, match=r"lists of 2 and 1 arguments"):
        render_model(model, [(X,), (X, Y)], [{}])


def test_files(tmp_path):
    render_model(model, (X,), filename=tmp_path / "model.dot")
    assert (tmp_path / "model.dot").read_text().startswith("digraph")


def test_a_graph_renders_itself(tmp_path):
    graph = render_model(model, (X,))
    path = graph.render("model", directory=tmp_path / "new", format="svg", cleanup=True)
    assert path == str(tmp_path / "new" / "model.svg")
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["model.svg"]
    graph.render("model", directory=tmp_path, format="svg")
    assert (tmp_path / "model").read_text() == graph.source
