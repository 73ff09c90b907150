"""Dependences of models, by hand."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer.inspect import get_dependencies, get_model_relations, is_sample_site


def normal(name, loc=0.0, scale=1.0, obs=None):
    return pyro.sample(name, dist.Normal(loc, scale), obs=obs)


def collider():
    a = normal("a")
    b = pyro.sample("b", dist.LogNormal(0.0, 1.0))
    c = normal("c", a, b)
    normal("d", c, obs=torch.tensor(0.0))


def summed_over_a_plate():
    with pyro.plate("p", 5):
        a = normal("a")
    normal("b", a.sum(), obs=torch.tensor(0.0))


def nested():
    a = normal("a")
    with pyro.plate("p", 5, dim=-1):
        b = normal("b", a)
        with pyro.plate("q", 2, dim=-2):
            c, e = normal("c", b), normal("e", b)
        normal("d", c.sum(-2) + e.sum(-2), obs=torch.zeros(5))


def computed():
    a = normal("a")
    doubled = pyro.deterministic("doubled", a * 2)
    point = pyro.sample("point", dist.Delta(doubled + 1))
    normal("x", point, pyro.param("s", torch.tensor(1.0), constraint=dist.constraints.positive), torch.tensor(1.0))


NONE = set()
CASES = {
    collider: (
        {"a": {"a"}, "b": {"b"}, "c": {"a", "b", "c"}, "d": {"c", "d"}},
        {"a": {"a": NONE, "b": NONE, "c": NONE}, "b": {"b": NONE, "c": NONE}, "c": {"c": NONE, "d": NONE}},
    ),
    summed_over_a_plate: ({"a": {"a"}, "b": {"a", "b"}}, {"a": {"a": {"p"}, "b": NONE}}),
    nested: (
        {"a": {"a"}, "b": {"a", "b"}, "c": {"b", "c"}, "e": {"b", "e"}, "d": {"c", "e", "d"}},
        {
            "a": {"a": NONE, "b": NONE},
            "b": {"b": NONE, "c": NONE, "e": NONE},
            "c": {"c": {"q"}, "e": {"q"}, "d": NONE},
            "e": {"e": {"q"}, "d": NONE},
        },
    ),
    computed: ({"a": {"a"}, "x": {"a", "x"}}, {"a": {"a": NONE, "x": NONE}}),
}


@pytest.mark.parametrize("model", CASES)
def test_dependences_in_the_prior_and_in_the_posterior(model):
    prior, posterior = CASES[model]
    assert get_dependencies(model) == {
        "prior_dependencies": {name: dict.fromkeys(behind, NONE) for name, behind in prior.items()},
        "posterior_dependencies": posterior,
    }


def test_deterministic_values_as_variables():
    found = get_dependencies(computed, include_deterministic=True)["prior_dependencies"]
    assert {name: set(behind) for name, behind in found.items()} == {
        "a": {"a"},
        "doubled": {"a", "doubled"},
        "point": {"doubled", "point"},
        "x": {"point", "x"},
    }


def test_relations():
    assert get_model_relations(computed) == {
        "sample_sample": {"a": [], "doubled": ["a"], "point": ["a"], "x": ["a"]},
        "sample_param": {"a": [], "doubled": [], "point": [], "x": ["s"]},
        "sample_dist": {"a": "Normal", "doubled": "Deterministic", "point": "Delta", "x": "Normal"},
        "param_constraint": {"s": "GreaterThan(lower_bound=0.0)"},
        "plate_sample": {},
        "observed": ["doubled", "x"],
    }
    assert get_model_relations(nested)["plate_sample"] == {"p": ["b", "c", "e", "d"], "q": ["c", "e"]}


def test_no_mark_is_left():
    before = torch.get_rng_state()
    get_dependencies(computed)
    assert torch.equal(torch.get_rng_state(), before)
    assert not list(pyro.get_param_store())


def test_random_variables_and_observations_are_sample_sites():
    sites = {**poutine.trace(computed).get_trace().nodes, **poutine.trace(nested).get_trace().nodes}
    assert {name for name, site in sites.items() if is_sample_site(site)} == {"a", "b", "c", "d", "e", "x"}
    assert is_sample_site(sites["point"], include_deterministic=True)
    assert not is_sample_site(sites["p"])
