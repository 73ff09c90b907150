"""The dependences read off one execution are those that interventions show, for every program."""

from __future__ import annotations

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.explain.dependent_programs import DATA, PROGRAMS, not_sampled, see
from tests.explain.interventions import dependences
from tests.pairs import chained, enumerated, plain
from virgil import poutine
from virgil.explain.structure import structures
from virgil.infer.autoguide import AutoMultivariateNormal, AutoNormal
from virgil.infer.reparam import LocScaleReparam
from virgil.params import ParamStore

PAIRS = {**plain.PAIRS, **enumerated.PAIRS, **chained.PAIRS}
ALL = PROGRAMS | {
    f"{name}: {role}": pair[k] for name, pair in PAIRS.items() for k, role in enumerate(("model", "guide"))
}


@pytest.mark.parametrize("program", ALL.values(), ids=ALL)
def test_dependences_are_those_of_interventions(program):
    with ParamStore():
        expected = dependences(program)
        virgil.set_rng_seed(0)  # the same branches
        structure, _ = structures(program, None, (), {})
    # what a network's statement returns is the network, whose tensors an intervention leaves alone
    networks = {node.name for node in structure.values() if node.role == "param" and not node.family}
    found = {node.name: set(node.parents) - networks for node in structure.values() if node.role != "param"}
    assert found == expected


def test_a_restated_variable_is_computed_from_what_is_stated():
    def program():
        scale = virgil.sample("scale", dist.HalfNormal(1.0))
        x = virgil.sample("x", dist.Normal(1.0, scale))
        virgil.sample("y", dist.Normal(x, 1.0), obs=torch.tensor(0.5))

    restated = poutine.reparam(program, config={"x": LocScaleReparam(0.0)})
    structure, _ = structures(restated, None, (), {})
    assert {name: (node.role, node.parents) for name, node in structure.items()} == {
        "scale": ("latent", ()),
        "x_decentered": ("latent", ()),
        "x": ("deterministic", ("scale", "x_decentered")),
        "y": ("observed", ("x",)),
    }


def test_a_buffer_is_one_value():
    """What came into any slot is in each: more than interventions show, and never less."""

    def program():
        buffer = torch.zeros(2)
        for t in range(2):
            buffer[t] = virgil.sample(f"z_{t}", dist.Normal(0.0, 1.0))
        see("x", buffer[0])

    assert structures(program, None, (), {})[0]["x"].parents == ("z_0", "z_1")
    assert dependences(program)["x"] == {"z_0"}


def test_a_network_is_one_node():
    network = torch.nn.Linear(2, 1)

    def program():
        virgil.module("network", network)
        see("x", network(torch.ones(2)).sum())

    with ParamStore():
        structure, _ = structures(program, None, (), {})
    assert [(node.name, node.role, node.parents) for node in structure.values()] == [
        ("network", "param", ()),
        ("x", "observed", ("network",)),
    ]


def test_a_density_that_cannot_be_sampled():
    structure, _ = structures(not_sampled, None, (), {})
    assert structure["x"].parents == ("a",)


def test_roles():
    def model():
        a = virgil.sample("a", dist.Normal(0.0, 1.0))
        c = virgil.sample("c", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
        virgil.factor("f", -(a**2))
        virgil.deterministic("d", 2 * a)
        virgil.sample("x", dist.Normal(a, 1.0 + c).expand([3]).to_event(1), obs=DATA)

    structure, _ = structures(model, None, (), {})
    assert {name: (node.role, node.family, node.enumerated) for name, node in structure.items()} == {
        "a": ("latent", "Normal", False),
        "c": ("latent", "Bernoulli", True),
        "f": ("factor", "", False),
        "d": ("deterministic", "", False),
        "x": ("observed", "Normal", False),
    }


def regression(points, data):
    weight = virgil.sample("weight", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(weight * points, 1.0), obs=data)


@pytest.mark.parametrize("family", [AutoNormal, AutoMultivariateNormal])
def test_automatic_guides_read_no_data(family):
    with ParamStore():
        _, guide = structures(regression, family(regression), (DATA.clone(), DATA), {})
    names = {name for name, node in guide.items() if node.role == "latent" and not node.auxiliary}
    assert names == {"weight"}
    assert all(name.startswith(("Auto", "_Auto")) for name in guide["weight"].parents)


def test_nothing_is_left_behind():
    state = torch.get_rng_state()
    norm = torch.nn.BatchNorm1d(1)

    def model(data):
        virgil.module("norm", norm)
        loc = virgil.param("loc", torch.zeros(()))
        with virgil.plate("data", 3):
            virgil.sample("x", dist.Normal(norm(data.unsqueeze(-1)).squeeze(-1), 1.0 + loc), obs=data)
            virgil.sample("z", dist.Normal(loc, 1.0))

    before = {name: each.clone() for name, each in norm.state_dict().items()}
    with ParamStore() as store:
        structures(model, poutine.block(model, hide=["x"]), (DATA,), {})
        assert list(store) == []
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(norm.state_dict(), before)


def test_an_error_names_the_site():
    def model():
        virgil.sample("x", dist.Normal(torch.zeros(3), 1.0).to_event(1), obs=torch.zeros(2))

    with pytest.raises(RuntimeError) as caught:
        structures(model, None, (), {})
    assert "'x'" in "".join(caught.value.__notes__)
