"""``equalize``: statements that share one value."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError


def model():
    loc = virgil.param("loc_a", torch.tensor(1.0)), virgil.param("loc_b", torch.tensor(2.0))
    with virgil.plate("data", 3):
        x = virgil.sample("x", dist.Normal(loc[0], 1.0))
        y = virgil.sample("y", dist.Normal(5.0, 2.0))
    return loc, x, y


def test_later_variables_follow_from_the_first():
    trace = poutine.trace(poutine.equalize(model, ["x", "y"])).get_trace()
    assert trace.stochastic_nodes == ["x"]
    assert torch.equal(trace.nodes["y"].value, trace.nodes["x"].value)
    assert torch.equal(trace.log_prob_sum(), trace.nodes["x"].log_prob_sum)


def test_later_variables_are_observed_to_be_the_first():
    """The joint density is that of the first value under both distributions."""
    trace = poutine.trace(poutine.equalize(model, "[xy]", keep_dist=True)).get_trace()
    assert (trace.stochastic_nodes, trace.observation_nodes) == (["x"], ["y"])
    x = trace.nodes["x"].value
    expected = dist.Normal(1.0, 1.0).log_prob(x) + dist.Normal(5.0, 2.0).log_prob(x)
    torch.testing.assert_close(trace.log_prob_sum(), expected.sum())


def test_parameters_are_shared():
    loc, x, y = poutine.equalize(model, "loc_.", type="param")()
    assert loc[0] is loc[1]
    assert not torch.equal(x, y)


def test_names_match_as_a_whole_and_each_run_begins_anew():
    program = poutine.equalize(model, ["x", "oc_b", "lo"])
    first, second = program(), program()
    assert not torch.equal(first[1], first[2])
    assert not torch.equal(first[1], second[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs sites="),
        ({"sites": [3]}, r"sites=\[3\]; it takes a regular expression"),
        ({"sites": "x", "type": "plate"}, "type='plate'; it takes"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        poutine.equalize(model, **arguments)
