"""``condition``, ``uncondition`` and ``do``: each alone, composed, and against brute force on a confounded network."""

import itertools
import math
import re

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal


def model():
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.Normal(a, 1.0))
    virgil.sample("x", dist.Normal(b, 1.0), obs=torch.tensor(5.0))
    return a, b


def test_condition_observes():
    trace = poutine.trace(poutine.condition(model, data={"a": torch.tensor(2.0), "b": None})).get_trace()
    assert trace.nodes["a"]["is_observed"]
    assert trace.nodes["a"]["value"] == 2.0
    assert trace.observation_nodes == ["a", "x"]
    assert trace.stochastic_nodes == ["b"]
    assert trace.nodes["b"]["fn"].loc == 2.0


def test_condition_takes_a_trace():
    earlier = poutine.trace(model).get_trace()
    earlier.nodes.pop("x")
    again = poutine.trace(poutine.condition(model, data=earlier)).get_trace()
    assert again.stochastic_nodes == []
    assert again.nodes["b"]["value"] == earlier.nodes["b"]["value"]


def test_condition_leaves_what_it_does_not_name():
    assert poutine.trace(poutine.condition(model, data={"zzz": torch.ones(())})).get_trace().stochastic_nodes == [
        "a",
        "b",
    ]


def test_the_outermost_value_of_a_site_counts():
    observed = poutine.condition(model, data={"a": torch.tensor(1.0), "x": torch.tensor(2.0)})
    trace = poutine.trace(poutine.condition(observed, data={"x": torch.tensor(3.0)})).get_trace()
    assert (trace.nodes["a"]["value"], trace.nodes["x"]["value"]) == (1.0, 3.0)


@pytest.mark.parametrize(("event", "dim"), [((), -1), ((), -2), ((2,), -1)])
def test_values_of_a_plates_full_size_are_cut_to_its_mini_batch(event, dim):
    data = (
        torch.arange(200.0).reshape(200, *(1,) * (-1 - dim), *(1,) * len(event)).expand(200, *(1,) * (-1 - dim), *event)
    )

    def rows():
        mu = virgil.sample("mu", dist.Normal(torch.zeros(event), 10.0).to_event(len(event)))
        with virgil.plate("rows", 200, subsample_size=20, dim=dim) as indices:
            virgil.sample("x", dist.Normal(mu, 1.0).to_event(len(event)))
        return indices

    conditioned = poutine.condition(rows, data={"x": data})
    trace = poutine.trace(conditioned).get_trace()
    assert torch.equal(trace.nodes["x"]["value"], data[trace.nodes["_RETURN"]["value"]])
    svi = SVI(conditioned, AutoNormal(conditioned), virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    assert math.isfinite(svi.step())


def test_uncondition_draws_observations_and_keeps_the_data():
    trace = poutine.trace(poutine.uncondition(model)).get_trace()
    site = trace.nodes["x"]
    assert trace.stochastic_nodes == ["a", "b", "x"]
    assert site["value"] != 5.0
    assert site["infer"] == {"was_observed": True, "obs": torch.tensor(5.0)}


def test_condition_after_uncondition_replaces_data():
    replaced = poutine.condition(poutine.uncondition(model), data={"x": torch.tensor(1.0)})
    assert poutine.trace(replaced).get_trace().nodes["x"]["value"] == 1.0


def test_do_cuts_the_value_from_what_follows():
    trace = poutine.trace(poutine.do(model, data={"b": torch.tensor(9.0)})).get_trace()
    assert trace.nodes["_RETURN"]["value"][1] == 9.0
    assert trace.nodes["x"]["fn"].loc == 9.0
    assert not trace.nodes["b"]["is_observed"]
    assert trace.nodes["b"]["value"] != 9.0


def test_do_reaches_what_a_program_computes():
    def program():
        a = virgil.sample("a", dist.Normal(0.0, 1.0))
        return virgil.deterministic("twice", 2 * a)

    trace = poutine.trace(poutine.do(program, data={"twice": torch.tensor(9.0)})).get_trace()
    assert trace.nodes["_RETURN"]["value"] == 9.0
    assert trace.nodes["twice"]["value"] == 2 * trace.nodes["a"]["value"]


@pytest.mark.parametrize("condition_first", [True, False])
def test_condition_and_do_compose_in_either_order(condition_first):
    def observed(program):
        return poutine.condition(program, data={"b": torch.tensor(1.0)})

    def forced(program):
        return poutine.do(program, data={"b": torch.tensor(9.0)})

    program = forced(observed(model)) if condition_first else observed(forced(model))
    trace = poutine.trace(program).get_trace()
    assert trace.nodes["b"]["value"] == 1.0
    assert trace.nodes["b"]["is_observed"]
    assert trace.nodes["x"]["fn"].loc == 9.0


# a confounder c of cause x and effect y
P_C = torch.tensor(0.3)
P_X = torch.tensor([0.2, 0.9])  # by c
P_Y = torch.tensor([[0.1, 0.4], [0.5, 0.8]])  # by c, x


def network():
    c = virgil.sample("c", dist.Bernoulli(P_C)).long()
    x = virgil.sample("x", dist.Bernoulli(P_X[c])).long()
    virgil.sample("y", dist.Bernoulli(P_Y[c, x]))


def _probability(program, names, **given):
    """The mass of every assignment to ``names`` that agrees with ``given``, from the program's own log-density."""
    total = 0.0
    for bits in itertools.product([0.0, 1.0], repeat=len(names)):
        values = dict(zip(names, map(torch.tensor, bits), strict=True))
        if all(values[name] == value for name, value in given.items()):
            total += poutine.trace(poutine.condition(program, data=values)).get_trace().log_prob_sum().exp().item()
    return total


def test_seeing_differs_from_doing():
    by_hand_c = torch.stack([1 - P_C, P_C])
    likelihood = by_hand_c * P_X
    seeing = (likelihood * P_Y[:, 1]).sum() / likelihood.sum()
    doing = (by_hand_c * P_Y[:, 1]).sum()
    names = ["c", "x", "y"]
    seen = _probability(network, names, x=1.0, y=1.0) / _probability(network, names, x=1.0)
    intervened = poutine.do(network, data={"x": torch.tensor(1)})
    done = _probability(intervened, names, y=1.0)
    assert seen == pytest.approx(seeing.item(), rel=1e-5)
    assert done == pytest.approx(doing.item(), rel=1e-5)
    assert abs(seen - done) > 0.1


def test_doing_by_simulation():
    with virgil.plate("draws", 20_000):
        trace = poutine.trace(poutine.do(network, data={"x": torch.tensor(1)})).get_trace()
    doing = (torch.stack([1 - P_C, P_C]) * P_Y[:, 1]).sum().item()
    assert trace.nodes["y"]["value"].mean().item() == pytest.approx(doing, abs=5 * (0.25 / 20_000) ** 0.5)
    assert trace.nodes["x"]["value"].mean() < 0.6  # the site itself still happens as it would


ERRORS = [
    (lambda: poutine.condition(model), "condition() needs data=, a dict"),
    (lambda: poutine.condition(model, data=3.0), "condition() got data=3.0; it takes a dict"),
    (lambda: poutine.do(model), "do() needs data=, a dict"),
    (lambda: poutine.do(model, data=[1]), "do() got data=[1]; it takes a dict"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()
