"""``AutoBatchedMultivariateNormal``: one covariance for each slot of a plate."""

from __future__ import annotations

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.autoguide.setting import set_blocks
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoBatchedMultivariateNormal, AutoNormal

UNITS = 5


def units(subsample_size=None):
    """Two variables a unit and two in each of its three items, one covariance each; two outside, jointly normal."""
    first = virgil.sample("first", dist.Normal(0.0, 1.0))
    virgil.sample("second", dist.Normal(first, 1.0))
    with virgil.plate("units", UNITS, dim=-2, subsample_size=subsample_size) as index:
        level = virgil.sample("level", dist.Normal(0.0, 1.0))
        slope = virgil.sample("slope", dist.Normal(level, 1.0))
        with virgil.plate("items", 3, dim=-1):
            item = virgil.sample("item", dist.Normal(level + slope, 1.0))
            virgil.sample("x", dist.Normal(item, 1.0), obs=torch.tensor([0.0, 1.0, 3.0]).expand(len(index), 3))


def exact():
    """Mean and covariance of the posterior of ``units``, and the evidence: units are independent and alike."""
    latent = torch.zeros(5, 5)  # level, slope, items as linear functions of independent normals
    latent[0, 0] = 1.0
    latent[1, :2] = 1.0
    latent[2:, :2] = torch.tensor([2.0, 1.0])
    latent[2:, 2:] = torch.eye(3)
    prior = latent @ latent.mT
    marginal = prior[2:, 2:] + torch.eye(3)
    gain = torch.linalg.solve(marginal, prior[2:]).mT
    data = torch.tensor([0.0, 1.0, 3.0])
    evidence = dist.MultivariateNormal(torch.zeros(3), marginal).log_prob(data) * UNITS
    return gain @ data, prior - gain @ prior[2:], evidence


def at_the_posterior():
    mean, covariance, evidence = exact()
    guide = AutoBatchedMultivariateNormal(units, plate="units")
    guide()
    # first, second, then level and slope of all units, then the items
    unit = torch.arange(UNITS).unsqueeze(-1)
    items = 2 * UNITS + 3 * unit + torch.arange(3)
    places = 2 + torch.cat([unit, UNITS + unit, items], 1)
    whole, middle = torch.zeros(2 + 5 * UNITS, 2 + 5 * UNITS), torch.zeros(2 + 5 * UNITS)
    whole[:2, :2] = torch.tensor([[1.0, 1.0], [1.0, 2.0]])
    for row in places:
        whole[row[:, None], row] = covariance
        middle[row] = mean
    set_blocks(guide, middle, whole)
    return guide, whole, evidence


@pytest.mark.parametrize("vectorized", [False, True])
def test_at_the_posterior_each_draw_and_mini_batch_gives_the_evidence(vectorized):
    torch.set_default_dtype(torch.float64)
    guide, covariance, evidence = at_the_posterior()
    torch.testing.assert_close(guide.get_posterior().covariance_matrix, covariance)
    for size in (None, 2):
        loss = Trace_ELBO(num_particles=3, vectorize_particles=vectorized).loss(units, guide, size)
        assert loss == pytest.approx(-evidence.item(), abs=1e-8)


def test_there_is_a_covariance_for_each_slot():
    guide = AutoBatchedMultivariateNormal(units, plate="units")
    guide()
    entries = sum(each.numel() for each in guide.weights.parameters())
    entries += sum(
        each.shape[-1] * (each.shape[-1] - 1) // 2 * each.shape[:-2].numel() for each in guide.factors.parameters()
    )
    assert entries == 1 + UNITS * (5 * 4 // 2)


def test_a_state_comes_back_before_the_first_call_and_after():
    guide = AutoBatchedMultivariateNormal(units, plate="units")
    SVI(units, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).run(5, progress=False)
    state = guide.state_dict()
    fresh, called = (AutoBatchedMultivariateNormal(units, plate="units") for _ in range(2))
    called()
    for other in (fresh, called):
        other.load_state_dict(state)
        for name, value in other.median().items():
            assert torch.equal(value, guide.median()[name])


def test_enumeration_beside_it():
    """By hand: a slot's indicator summed out of the model's density, at the values that the guide draws."""

    @config_enumerate
    def model():
        with virgil.plate("units", 3):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            w = virgil.sample("w", dist.LogNormal(z, 1.0))
            on = virgil.sample("on", dist.Bernoulli(0.3))
            virgil.sample("x", dist.Normal(z + on * w, 1.0), obs=torch.ones(3))

    guide = AutoBatchedMultivariateNormal(poutine.block(model, hide=["on"]))
    trace = poutine.trace(guide).get_trace()
    z, w = trace.nodes["z"].value, trace.nodes["w"].value
    terms = [
        torch.tensor(p).log() + dist.Normal(z + on * w, 1.0).log_prob(torch.ones(3)) for on, p in ((0, 0.7), (1, 0.3))
    ]
    joint = dist.Normal(0.0, 1.0).log_prob(z) + dist.LogNormal(z, 1.0).log_prob(w) + torch.stack(terms).logsumexp(0)
    density = sum(site.log_prob_sum for site in trace.nodes.values() if site.kind == "sample" and not site.observed)
    elbo = TraceEnum_ELBO().loss(model, poutine.replay(guide, trace))
    assert elbo == pytest.approx((density - joint.sum()).item(), rel=1e-5)


def test_the_plate_is_found_or_asked_for():
    def flat():
        virgil.sample("x", dist.Normal(0.0, 1.0))

    with pytest.raises(ArgumentError, match=r"and latent variables of the model are in 'items', 'units'"):
        AutoBatchedMultivariateNormal(units)()
    with pytest.raises(ArgumentError, match=r"are in none. Use AutoMultivariateNormal"):
        AutoBatchedMultivariateNormal(flat)()
    with pytest.raises(ArgumentError, match=r"got plate='unit', which is around no latent variable.* 'units'"):
        AutoBatchedMultivariateNormal(units, plate="unit")()


def test_variables_of_other_plates_are_apart():
    def model():
        with virgil.plate("units", 4):
            virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        with virgil.plate("others", 3):
            virgil.sample("y", dist.Normal(0.0, 1.0))

    guide = AutoBatchedMultivariateNormal(model, plate="units")
    guide()
    assert {name: tuple(value.shape) for name, value in guide.state_dict().items() if "loc" not in name} == {
        "scales.x": (4, 2),
        "scales.y": (3,),
        "factors.x": (4, 2, 2),
    }
    assert guide.median().keys() == AutoNormal(model)().keys()
