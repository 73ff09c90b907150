"""Guides whose encoder all slots of a plate share."""

import copy
import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoAmortized, AutoDelta
from virgil.poutine import trace

GROUPS, WITHIN = 6, 3
Y = torch.randn(GROUPS, WITHIN, generator=torch.Generator().manual_seed(1)) + 2.0


def known(y):
    """Given mean, spread and noise: the posterior of a group is normal, its mean linear in the group's mean."""
    with virgil.plate("groups", GROUPS, dim=-2):
        z = virgil.sample("z", dist.Normal(1.0, 2.0))
        with virgil.plate("within", WITHIN, dim=-1):
            virgil.sample("y", dist.Normal(z, 1.0), obs=y)


def hierarchy(y, mask=True):
    mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
    with virgil.plate("groups", GROUPS, subsample_size=4, dim=-2) as chosen:
        z = virgil.sample("z", dist.LogNormal(mu, 1.0))
        with virgil.plate("within", WITHIN, dim=-1), virgil.poutine.mask(mask=mask):
            virgil.sample("y", dist.Normal(z, 1.0), obs=y[chosen])


def test_the_best_encoder_of_a_conjugate_hierarchy_gives_its_evidence():
    guide = AutoAmortized(known, "groups")
    guide(Y)
    weights = guide.guide.encoder._parameters
    precision = 1 / 4 + WITHIN
    slope, offset, spread = WITHIN / precision, 0.25 / precision, precision**-0.5
    with torch.no_grad():
        weights["out.skip"][0, 0] = slope * guide.guide.encoder.__getattr__("y.spread")[0]
        weights["initial"].copy_(offset + slope * weights["y.centre"])
        weights["out.bias"][1] = math.log(math.expm1(spread)) - math.log(math.expm1(0.1))
    covariance = torch.eye(WITHIN) + 4.0
    evidence = dist.MultivariateNormal(torch.ones(WITHIN), covariance).log_prob(Y).sum()
    got = torch.as_tensor(-Trace_ELBO().loss(known, guide, Y))
    torch.testing.assert_close(got, evidence, atol=1e-4, rtol=1e-5)
    mean = offset + slope * Y.mean(1, keepdim=True)
    torch.testing.assert_close(guide.median(Y)["z"], mean)


@pytest.mark.parametrize("engine", ["eager", pytest.param("xla", marks=pytest.mark.every_engine)])
def test_it_is_fitted_by_mini_batches_with_particles(engine):
    guide = AutoAmortized(hierarchy, "groups", family=AutoDelta)
    svi = SVI(hierarchy, guide, virgil.optim.Adam({"lr": 0.02}), Trace_ELBO(num_particles=2))
    fit = svi.run(60, Y, engine=engine, progress=False)
    assert fit.losses[-20:].mean() < fit.losses[:20].mean()
    nodes = trace(guide).get_trace(Y).nodes
    assert nodes["z"].value.shape == (4, 1)
    assert guide.added == ("mu",)


def test_no_parameter_has_the_size_of_the_plate():
    guide = AutoAmortized(known, "groups", hidden_dim=5)
    guide(Y)
    assert all(GROUPS not in leaf.shape for leaf in guide.parameters())


def test_a_state_can_be_loaded_before_and_after_the_first_call():
    first = AutoAmortized(known, "groups")
    first(Y)
    state = copy.deepcopy(first.state_dict())
    for is_called in (False, True):
        second = AutoAmortized(known, "groups")
        if is_called:
            second(Y)
        second.load_state_dict(state)
        torch.testing.assert_close(second.median(Y)["z"], first.median(Y)["z"])


def test_entries_that_are_masked_are_not_read_and_order_does_not_matter():
    mask = torch.tensor([True, True, False])

    def masked(y):
        with virgil.plate("groups", GROUPS, dim=-2):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            with virgil.plate("within", WITHIN, dim=-1), virgil.poutine.mask(mask=mask):
                virgil.sample("y", dist.Normal(z, 1.0), obs=y)

    guide = AutoAmortized(masked, "groups")
    guide(Y)
    with torch.no_grad():
        guide.guide.encoder._parameters["out.weight"].normal_()
        guide.guide.encoder._parameters["out.skip"].normal_()
    median = guide.median(Y)["z"]
    other = Y.clone()
    other[:, 2] = 100.0
    torch.testing.assert_close(guide.median(other)["z"], median)
    torch.testing.assert_close(guide.median(Y[:, [1, 0, 2]])["z"], median)
    assert not torch.allclose(guide.median(Y + 1.0)["z"], median)


@pytest.mark.parametrize("family", [dist.Poisson, dist.Bernoulli, dist.Categorical], ids=lambda each: each.__name__)
def test_counts_and_categories_are_read(family):
    def discrete(y):
        with virgil.plate("groups", GROUPS):
            z = virgil.sample("z", dist.LogNormal(0.0, 1.0))
            probs = torch.stack([z / (1 + z), 1 / (1 + z)], -1)
            fn = family(probs) if family is dist.Categorical else family(probs[:, 0])
            virgil.sample("y", fn, obs=y)

    y = torch.tensor([0, 1, 0, 0, 1, 1]).float()
    guide = AutoAmortized(discrete, "groups")
    assert guide(y)["z"].shape == (GROUPS,)
    assert guide.guide.encoder._parameters["y.centre"].shape == (1 + (family is dist.Categorical),)


def test_a_plate_without_latent_sites_or_data_is_refused():
    with pytest.raises(ArgumentError, match="no continuous latent site in a plate of this name"):
        AutoAmortized(known, "group")(Y)

    def no_data(y):
        with virgil.plate("groups", GROUPS):
            virgil.sample("z", dist.Normal(0.0, 1.0))

    with pytest.raises(ArgumentError, match="observes nothing"):
        AutoAmortized(no_data, "groups")(Y)
    with pytest.raises(ArgumentError, match="has plate 'groups' around plate 'within'|also in 'groups'"):
        AutoAmortized(nested, "within")(Y)


def nested(y):
    with virgil.plate("groups", GROUPS, dim=-2), virgil.plate("within", WITHIN, dim=-1):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("y", dist.Normal(z, 1.0), obs=y)
