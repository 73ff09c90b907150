"""A mixture of normals: classes summed out, their posterior, and its most probable values."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import SVI, TraceEnum_ELBO, config_enumerate, infer_discrete
from pyro.infer.autoguide import AutoDelta
from pyro.optim import Adam
from torch.distributions import constraints

DATA = torch.tensor([0.0, 1.0, 10.0, 11.0, 12.0])
K = 2


@config_enumerate
def model(data):
    weights = pyro.sample("weights", dist.Dirichlet(0.5 * torch.ones(K)))
    scale = pyro.sample("scale", dist.LogNormal(0.0, 2.0))
    with pyro.plate("components", K):
        locs = pyro.sample("locs", dist.Normal(0.0, 10.0))
    with pyro.plate("data", len(data)):
        assignment = pyro.sample("assignment", dist.Categorical(weights))
        pyro.sample("obs", dist.Normal(locs[assignment], scale), obs=data)


VALUES = {"weights": torch.tensor([0.375, 0.625]), "scale": torch.tensor(0.76), "locs": torch.tensor([0.5, 10.9])}


def joint(values):
    """The log of prior and likelihood, with the classes summed out by hand."""
    prior = (
        dist.Dirichlet(0.5 * torch.ones(K)).log_prob(values["weights"])
        + dist.LogNormal(0.0, 2.0).log_prob(values["scale"])
        + dist.Normal(0.0, 10.0).log_prob(values["locs"]).sum()
    )
    each = values["weights"].log() + dist.Normal(values["locs"], values["scale"]).log_prob(DATA.unsqueeze(-1))
    return prior + each.logsumexp(-1).sum()


def test_classes_are_summed_out():
    conditioned = poutine.condition(model, data=VALUES)
    loss = TraceEnum_ELBO(max_plate_nesting=1).loss(conditioned, config_enumerate(lambda data: None), DATA)
    assert loss == pytest.approx(-joint(VALUES).item(), rel=1e-5)


def test_the_mode_and_the_classes_of_the_data():
    global_guide = AutoDelta(
        poutine.block(model, expose=["weights", "locs", "scale"]),
        init_loc_fn=lambda site: {
            "weights": torch.ones(K) / K,
            "scale": (DATA.var() / 2).sqrt(),
            "locs": torch.tensor([2.0, 8.0]),
        }[site["name"]],
    )
    svi = SVI(model, global_guide, Adam({"lr": 0.1, "betas": (0.8, 0.99)}), loss=TraceEnum_ELBO(max_plate_nesting=1))
    losses = [svi.step(DATA) for _ in range(300)]
    found = {name: value.detach() for name, value in global_guide(DATA).items()}
    assert losses[-1] == pytest.approx(-joint(found).item(), abs=1e-3)
    # at the mode no neighbour is better
    for name, step in (("scale", 0.05), ("locs", 0.1)):
        for sign in (-1, 1):
            assert joint({**found, name: found[name] + sign * step}) < joint(found)
    assert found["locs"].tolist() == pytest.approx([0.5, 11.0], abs=0.1)

    guide_trace = poutine.trace(global_guide).get_trace(DATA)
    trained_model = poutine.replay(model, trace=guide_trace)
    inferred = infer_discrete(trained_model, temperature=0, first_available_dim=-2)
    assignment = poutine.trace(inferred).get_trace(DATA).nodes["assignment"]["value"]
    assert assignment.tolist() == [0, 0, 1, 1, 1]


def test_a_guide_by_hand_learns_the_posterior_of_the_classes():
    conditioned = poutine.condition(model, data={**VALUES, "scale": torch.tensor(6.0)})

    @config_enumerate
    def full_guide(data):
        with pyro.plate("data", len(data)):
            probs = pyro.param("assignment_probs", torch.ones(len(data), K) / K, constraint=constraints.unit_interval)
            pyro.sample("assignment", dist.Categorical(probs))

    svi = SVI(conditioned, full_guide, Adam({"lr": 0.1}), loss=TraceEnum_ELBO(max_plate_nesting=1))
    for _ in range(300):
        loss = svi.step(DATA)
    values = {**VALUES, "scale": torch.tensor(6.0)}
    each = values["weights"].log() + dist.Normal(values["locs"], 6.0).log_prob(DATA.unsqueeze(-1))
    probs = pyro.param("assignment_probs")
    assert torch.allclose(probs / probs.sum(-1, keepdim=True), each.softmax(-1), atol=0.01)
    assert loss == pytest.approx(-joint(values).item(), abs=0.01)
