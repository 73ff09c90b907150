"""Executions of guide and model, and of programs with discrete choices."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer.enum import (
    config_enumerate,
    get_importance_trace,
    iter_discrete_escape,
    iter_discrete_extend,
    iter_discrete_traces,
)

from virgil.poutine.trace import Trace

THREE = torch.tensor([0.2, 0.3, 0.5])


def choices():
    a = pyro.sample("a", dist.Bernoulli(0.25))
    b = pyro.sample("b", dist.Categorical(THREE))
    c = pyro.sample("c", dist.Normal(a, 1.0))
    return a, b, c


def test_each_joint_choice_has_one_execution_and_their_probabilities_sum_to_one():
    traces = list(iter_discrete_traces("flat", config_enumerate(choices, default="sequential")))
    pairs = [(trace.nodes["a"]["value"].item(), trace.nodes["b"]["value"].item()) for trace in traces]
    assert sorted(pairs) == [(a, b) for a in (0.0, 1.0) for b in (0, 1, 2)]
    mass = sum(trace.log_prob_sum(lambda name, site: name in "ab").exp() for trace in traces)
    assert mass.item() == pytest.approx(1.0)
    assert [trace.nodes["b"]["infer"]["_enum_total"] for trace in traces] == [3] * 6


def test_what_is_not_marked_is_drawn():
    (trace,) = iter_discrete_traces("flat", choices)
    assert {"a", "b", "c", "_RETURN"} <= set(trace.nodes)


def test_an_execution_is_extended_by_all_values_of_a_marked_site():
    site = poutine.trace(config_enumerate(choices, default="sequential")).get_trace().nodes["b"]
    assert iter_discrete_escape(Trace(), site)
    extended = list(iter_discrete_extend(Trace(), site))
    assert [trace.nodes["b"]["value"].item() for trace in extended] == [0, 1, 2]
    assert not iter_discrete_escape(extended[0], site)
    assert not iter_discrete_escape(Trace(), poutine.trace(choices).get_trace().nodes["b"])


def guide():
    pyro.sample("z", dist.Normal(pyro.param("loc", torch.tensor(0.5)), 1.0))


def model():
    z = pyro.sample("z", dist.Normal(0.0, 1.0))
    with pyro.plate("data", 2):
        pyro.sample("x", dist.Normal(z, 1.0), obs=torch.tensor([1.0, 2.0]))


def test_a_pair_of_traces():
    model_trace, guide_trace = get_importance_trace("flat", 1, model, guide, (), {})
    z = guide_trace.nodes["z"]["value"]
    normal = torch.distributions.Normal
    assert torch.allclose(guide_trace.nodes["z"]["log_prob"], normal(0.5, 1.0).log_prob(z))
    exact = normal(z, 1.0).log_prob(torch.tensor([1.0, 2.0]))
    assert torch.allclose(model_trace.nodes["x"]["log_prob"], exact)
    assert "data" not in model_trace.nodes
    parts = guide_trace.nodes["z"]["score_parts"]
    assert parts.log_prob is guide_trace.nodes["z"]["log_prob"]
    assert parts.score_function == 0  # it has a pathwise derivative
    assert [name for name, _ in model_trace.iter_stochastic_nodes()] == ["z"]
    assert z.requires_grad


def test_a_detached_pair_has_no_path_to_the_parameters_by_its_values():
    model_trace, guide_trace = get_importance_trace("flat", 1, model, guide, (), {}, detach=True)
    assert not guide_trace.nodes["z"]["value"].requires_grad
    assert not model_trace.log_prob_sum().requires_grad
    assert guide_trace.log_prob_sum().requires_grad
