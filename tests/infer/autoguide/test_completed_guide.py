"""Guides of which a user writes a part, and a family makes the rest."""

import copy

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, MismatchError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import (
    AutoDelta,
    AutoGuide,
    AutoMultivariateNormal,
    AutoNormal,
    AutoNormalMessenger,
    complete,
)
from virgil.nn import PyroModule
from virgil.poutine import block, trace

Y = torch.tensor([1.0, -0.5, 2.0, 0.3])


def model(y):
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.LogNormal(a, 1.0))
    with virgil.plate("data", 4, subsample_size=2) as index:
        z = virgil.sample("z", dist.Normal(a, b))
        w = virgil.sample("w", dist.Normal(0.0, 1.0))
        k = virgil.sample("k", dist.Bernoulli(0.3), infer={"enumerate": "parallel"})
        virgil.sample("y", dist.Normal(z + w + k, 1.0), obs=y[index])


def slots(y):
    slope = virgil.param("slope", torch.tensor(0.1))
    with virgil.plate("data", 4, subsample_size=2) as index:
        virgil.sample("z", dist.Normal(slope * y[index], 0.5))


class Encoder(PyroModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, y):
        with virgil.plate("data", 4, subsample_size=2) as index:
            virgil.sample("z", dist.Normal(self.layer(y[index, None])[:, 0], 0.5))


PARTS = {"function": lambda: slots, "module": Encoder, "guide": lambda: AutoNormal(block(model, expose=["z", "data"]))}


@pytest.mark.parametrize("make", PARTS.values(), ids=PARTS)
def test_what_is_left_out_is_added_in_the_same_plates(make):
    guide = complete(make(), model)
    assert guide.added == ()
    for seed in range(3):
        virgil.set_rng_seed(seed)
        nodes = trace(guide).get_trace(Y).nodes
        assert [name for name, site in nodes.items() if site.is_latent] == ["z", "a", "b", "w"]
        assert [name for name, site in nodes.items() if site.kind == "plate"] == ["data"]
        assert nodes["z"].frames == nodes["w"].frames
        assert nodes["w"].value.shape == (2,)
        w = nodes["CompletedGuide.rest.locs.w"].value[nodes["data"].value]
        torch.testing.assert_close(nodes["w"].fn.mean, w)
    assert guide.added == ("a", "b", "w")
    assert "added by AutoNormal: a, b, w" in repr(guide)


@pytest.mark.parametrize("family", [AutoNormal, AutoDelta])
@pytest.mark.parametrize("make", PARTS.values(), ids=PARTS)
def test_a_state_can_be_loaded_before_and_after_the_first_call(make, family):
    first = complete(make(), model, family)
    first(Y)
    state = copy.deepcopy(first.state_dict())
    for is_called in (False, True):
        second = complete(make(), model, family)
        if make is PARTS["guide"] or is_called:
            second(Y)
        second.load_state_dict(state)
        second(Y)
        assert second.state_dict().keys() == state.keys()
        for name, value in second.state_dict().items():
            torch.testing.assert_close(value, state[name])


@pytest.mark.parametrize("engine", ["eager", pytest.param("xla", marks=pytest.mark.every_engine)])
def test_it_is_fitted_with_particles_beside_enumeration(engine):
    guide = complete(slots, model)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), TraceEnum_ELBO(num_particles=2))
    fit = svi.run(100, Y, engine=engine, progress=False)
    assert fit.losses.isfinite().all()
    assert "slope" in fit.params


def test_a_fit_reaches_the_exact_evidence_where_the_parts_are_independent():
    """Two normals, each with data of its own: the posterior is a product, which both parts hold."""

    def both():
        for name, value in (("a", 1.0), ("b", -2.0)):
            virgil.sample(f"y_{name}", dist.Normal(virgil.sample(name, dist.Normal(0.0, 1.0)), 1.0),
                          obs=torch.tensor(value))  # fmt: skip

    def part():
        virgil.sample("a", dist.Normal(0.5, 0.5**0.5))

    guide = complete(part, both, init_scale=0.5**0.5)
    guide()
    with torch.no_grad():
        guide.rest.locs._parameters["b"].fill_(-1.0)
    evidence = dist.Normal(0.0, 2**0.5).log_prob(torch.tensor([1.0, -2.0])).sum()
    got = -Trace_ELBO().loss(both, guide)
    torch.testing.assert_close(torch.as_tensor(got), evidence)


def test_latent_slots_of_a_partly_observed_site_are_added():
    mask = torch.tensor([True, False, True, True])

    def missing(y):
        a = virgil.sample("a", dist.Normal(0.0, 1.0))
        with virgil.plate("data", 4):
            virgil.sample("y", dist.Normal(a, 1.0), obs=y, obs_mask=mask)

    def part(y):
        virgil.sample("a", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))

    guide = complete(part, missing)
    assert torch.isfinite(torch.as_tensor(Trace_ELBO().loss(missing, guide, Y)))
    assert guide.added == ("y_unobserved",)


def test_nothing_is_added_to_a_whole_guide():
    def one():
        virgil.sample("a", dist.Normal(0.0, 1.0))

    guide = complete(one, one)
    assert list(guide()) == ["a"]
    assert guide.added == ()


def test_a_joint_family_has_medians_and_quantiles_of_what_it_added():
    def three():
        for name in "abc":
            virgil.sample(name, dist.LogNormal(0.0, 1.0))

    guide = complete(lambda: virgil.sample("b", dist.LogNormal(0.0, 1.0)), three, AutoMultivariateNormal)
    assert set(guide.median()) == {"a", "c"}
    low, high = guide.quantiles([0.1, 0.9])["a"]
    assert low < guide.median()["a"] < high


def test_sites_that_are_stated_only_sometimes_are_refused():
    def sometimes(y, often):
        if often:
            virgil.sample("a", dist.Normal(0.0, 1.0))

    def one(y, often):
        virgil.sample("a", dist.Normal(0.0, 1.0))

    guide = complete(sometimes, one)
    guide(Y, True)
    with pytest.raises(MismatchError, match="states 'a' in some calls and not in others"):
        guide(Y, False)


def test_what_is_no_guide_or_family_is_refused():
    with pytest.raises(ArgumentError, match=r"guide=3, which cannot be called"):
        complete(3, model)
    with pytest.raises(ArgumentError, match="AutoNormalMessenger, which runs the whole model"):
        complete(slots, model, AutoNormalMessenger)


def test_its_parts_begin_anew():
    guide = complete(AutoNormal(block(model, expose=["z", "data"])), model)
    guide(Y)
    with torch.no_grad():
        for leaf in guide.parameters():
            leaf.add_(100.0)
    guide.reset_parameters()
    guide(Y)
    assert all(bool((leaf < 50).all()) for leaf in guide.parameters())
    assert isinstance(guide.rest, AutoGuide)
