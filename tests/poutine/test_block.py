"""``block``: what it hides, by each way of saying so, and its errors."""

import re

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError


def model():
    loc = virgil.param("loc", torch.tensor(0.0))
    with virgil.plate("data", 2):
        z = virgil.sample("z", dist.Normal(loc, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.zeros(2))
    return virgil.deterministic("total", z.sum())


ALL = {"loc", "data", "z", "x", "total"}
CHOICES = [
    ({}, set()),
    ({"hide": ["z"]}, ALL - {"z"}),
    ({"hide": []}, ALL),
    ({"expose": ["z", "x"]}, {"z", "x"}),
    ({"hide_types": ["param"]}, ALL - {"loc"}),
    ({"hide_types": ["sample"]}, {"loc", "x", "total"}),
    ({"hide_types": ["observe"]}, {"loc", "data", "z"}),
    ({"hide_types": ["sample", "observe"]}, {"loc"}),
    ({"expose_types": ["observe"]}, {"x", "total"}),
    ({"expose_types": ["sample"]}, {"data", "z"}),
    ({"expose_types": ["param"]}, {"loc"}),
    ({"hide": ["z"], "hide_types": ["param"]}, {"data", "x", "total"}),
    ({"hide": ["z"], "hide_types": ["observe"]}, {"loc", "data"}),
    ({"expose": ["z"], "expose_types": ["param"]}, {"z", "loc"}),
    ({"hide_fn": lambda site: site.observed}, {"loc", "data", "z"}),
    ({"hide_fn": lambda site: site["type"] == "sample" and not site["is_observed"]}, {"loc", "x", "total"}),
    ({"expose_fn": lambda site: site.kind == "plate"}, {"data"}),
]


@pytest.mark.parametrize(("choice", "seen"), CHOICES)
def test_what_is_seen_outside(choice, seen):
    trace = poutine.trace(poutine.block(model, **choice)).get_trace()
    assert set(trace.nodes) - {"_INPUT", "_RETURN"} == seen


@pytest.mark.parametrize("choice", [choice for choice, _ in CHOICES])
def test_the_program_is_none_the_wiser(choice):
    virgil.set_rng_seed(1)
    plain = model()
    virgil.set_rng_seed(1)
    assert torch.equal(poutine.block(model, **choice)(), plain)


def test_a_hidden_site_is_not_conditioned_from_outside():
    blocked = poutine.block(model, hide=["z"])
    trace = poutine.trace(poutine.condition(blocked, data={"z": torch.full((2,), 99.0)})).get_trace()
    assert trace.nodes["_RETURN"]["value"].abs() < 50


def test_a_hidden_site_is_conditioned_from_inside():
    conditioned = poutine.condition(model, data={"z": torch.full((2,), 99.0)})
    assert poutine.block(conditioned, hide=["z"])() == 198.0


def test_a_hidden_parameter_is_not_learnt():
    def guide():
        virgil.sample("z", dist.Normal(poutine.block(lambda: virgil.param("loc", torch.tensor(3.0)))(), 1.0))

    def prior():
        virgil.sample("z", dist.Normal(0.0, 1.0))

    virgil.infer.SVI(prior, guide, virgil.optim.SGD({"lr": 0.1}), virgil.infer.Trace_ELBO()).run(3)
    assert virgil.param("loc") == 3.0


ERRORS = [
    ({"hide": ["z"], "expose": ["x"]}, "hide/hide_types and expose/expose_types. Choose one way"),
    ({"hide_fn": bool, "expose_fn": bool}, "hide_fn and expose_fn"),
    ({"hide_fn": bool, "hide_types": ["param"]}, "hide_fn and hide/hide_types"),
    ({"hide": "z"}, "hide='z', a single string; it takes a list, ['z']"),
    ({"expose_types": "param"}, "expose_types='param', a single string"),
]


@pytest.mark.parametrize(("choice", "message"), ERRORS)
def test_contradictions_are_refused(choice, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        poutine.block(model, **choice)


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        ({"hide_all": False}, ["a", "b"]),
        ({"expose_all": True}, ["a", "b"]),
        ({"hide_all": True}, []),
        ({"hide_all": False, "expose": ["a"]}, ["a"]),
        ({"expose_all": True, "hide": ["a"]}, ["b"]),
    ],
)
def test_all_or_none_are_hidden(choice, seen):
    def model():
        virgil.sample("a", dist.Normal(0.0, 1.0))
        virgil.sample("b", dist.Normal(0.0, 1.0))

    with poutine.trace() as tracer:
        poutine.block(model, **choice)()
    assert list(tracer.trace) == seen
