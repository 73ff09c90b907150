"""Checks of traces by hand, and their drawing."""

from __future__ import annotations

import warnings

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.util import (
    check_if_enumerated,
    check_model_guide_match,
    check_site_shape,
    check_traceenum_requirements,
    check_traces_match,
    save_visualization,
)

from virgil.errors import ArgumentError, MismatchError, ShapeError
from virgil.pyro.drawn_trace import source_of


def model():
    z = pyro.sample("z", dist.Normal(0.0, 1.0))
    with pyro.plate("data", 3):
        pyro.sample("x", dist.Normal(z, 1.0), obs=torch.zeros(3))


def stating(name, shape=(), event=0, **options):
    def program():
        pyro.sample(name, dist.Normal(0.0, 1.0).expand(shape).to_event(event), **options)

    return program


def in_plate():
    with pyro.plate("other", 2):
        pyro.sample("z", dist.Normal(0.0, 1.0))


def trace_of(program):
    return pyro.poutine.trace(program).get_trace()


def warned(check, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(*args)
    return [str(each.message) for each in caught]


def test_programs_that_match():
    assert warned(check_model_guide_match, trace_of(model), trace_of(stating("z"))) == []
    assert warned(check_traces_match, trace_of(model), trace_of(model)) == []


@pytest.mark.parametrize(
    ("guide", "words"),
    [
        (stating("y"), ["Sites 'y' are in the guide alone", "Sites 'z' are latent in the model and missing"]),
        (stating("y", infer={"is_auxiliary": True}), ["Sites 'z' are latent in the model and missing"]),
        (stating("z", infer={"is_auxiliary": True}), ["Sites 'z' are in the model, and marked as auxiliary"]),
    ],
)
def test_names_that_differ_are_warnings(guide, words):
    found = warned(check_model_guide_match, trace_of(model), trace_of(guide))
    assert len(found) == len(words)
    assert all(text in message for text, message in zip(words, found, strict=True))


def test_other_sites_are_a_warning():
    assert warned(check_traces_match, trace_of(model), trace_of(stating("z"))) == [
        "Sites 'x' are in one of the two traces alone."
    ]


@pytest.mark.parametrize("guide", [stating("z", (2,)), stating("z", (2,), 1), in_plate])
def test_shapes_that_differ_are_errors(guide):
    with pytest.raises(MismatchError, match="At site 'z' the model has .* and the guide"):
        check_model_guide_match(trace_of(model), trace_of(guide))
    with (
        pytest.raises(MismatchError, match=r"first trace has shape \(\) and the second \(2,\)"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        check_traces_match(trace_of(model), trace_of(guide))


def test_dims_left_of_the_plates_may_differ():
    assert warned(check_model_guide_match, trace_of(model), trace_of(stating("z", (2,))), 0) == []
    with pytest.raises(MismatchError):
        check_model_guide_match(trace_of(model), trace_of(stating("z", (2,))), 1)


def test_a_plate_of_the_guide_alone_is_a_warning():
    def guide():
        with pyro.plate("other", 1):
            pyro.sample("z", dist.Normal(0.0, 1.0))

    assert warned(check_model_guide_match, trace_of(model), trace_of(guide)) == [
        "Sites 'other' are plates of the guide alone."
    ]


def enumerated(kind):
    return stating("z", infer={"enumerate": kind})


def test_a_variable_of_the_model_alone_may_be_summed_at_once():
    nothing = trace_of(lambda: None)
    assert warned(check_model_guide_match, trace_of(enumerated("parallel")), nothing) == []
    with pytest.raises(ArgumentError, match="mark it for 'parallel' enumeration"):
        check_model_guide_match(trace_of(enumerated("sequential")), nothing)


def test_marks_for_enumeration_are_a_warning():
    assert warned(check_if_enumerated, trace_of(model)) == []
    for kind in ("parallel", "sequential"):
        assert "'z' are marked for enumeration" in warned(check_if_enumerated, trace_of(enumerated(kind)))[0]


def test_the_shape_of_one_site():
    trace = trace_of(stating("z", (2,)))
    trace.compute_log_prob()
    check_site_shape(trace.nodes["z"], 0)
    with pytest.raises(ShapeError, match=r"At site 'z' .* shape \(2,\): 2 values at dim -1, and no plate is there"):
        check_site_shape(trace.nodes["z"], 1)
    inside = trace_of(model)
    inside.compute_log_prob()
    check_site_shape(inside.nodes["x"], 1)
    wrong = {"name": "x", "log_prob": torch.zeros(4), "cond_indep_stack": inside.nodes["x"]["cond_indep_stack"]}
    with pytest.raises(ShapeError, match="4 values at dim -1, and the plate 'data' there has 3"):
        check_site_shape(wrong, 1)


def test_a_variable_that_leaves_the_plate_of_an_enumerated_one():
    def leaving():
        with pyro.plate("data", 3):
            pyro.sample("k", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
            pyro.sample("inside", dist.Normal(0.0, 1.0))
        pyro.sample("outside", dist.Normal(0.0, 1.0))

    found = warned(check_traceenum_requirements, trace_of(leaving), trace_of(model))
    assert len(found) == 1
    assert found[0].startswith("Sites 'outside' are outside of a plate of 'k'")
    assert warned(check_traceenum_requirements, trace_of(model), trace_of(enumerated("parallel"))) == []


def test_a_trace_is_drawn(tmp_path):
    source = source_of(trace_of(model))
    assert source.splitlines()[0] == "digraph {"
    assert '"z" [style=wedged' in source
    assert '"x" [style=filled, fillcolor="darkolivegreen3"];' in source
    assert '"data"' not in source
    pytest.importorskip("pygraphviz")
    with pytest.warns(DeprecationWarning, match="Write render_model"):
        save_visualization(trace_of(model), str(tmp_path / "drawn"))
    assert (tmp_path / "drawn.pdf").read_bytes().startswith(b"%PDF")
