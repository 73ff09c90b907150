"""A hidden Markov model by ``markov`` and enumeration, against sums over all paths."""

import itertools

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import SVI, TraceEnum_ELBO, config_enumerate, infer_discrete
from pyro.infer.autoguide import AutoDelta
from pyro.optim import Adam
from torch.distributions import constraints

STAY = torch.tensor([[0.7, 0.3], [0.2, 0.8]])
LOCS = torch.tensor([-1.0, 1.0])
SEQUENCES = torch.tensor([[-1.2, 0.3, 0.9, 1.1], [0.4, -0.2, -2.0, 0.0]])


@config_enumerate
def model(sequences, transition):
    with pyro.plate("sequences", len(sequences), dim=-1):
        x = torch.tensor(0)
        for t in pyro.markov(range(sequences.shape[1])):
            x = pyro.sample(f"x_{t}", dist.Categorical(transition[x]))
            pyro.sample(f"y_{t}", dist.Normal(LOCS[x], 1.0), obs=sequences[:, t])


def log_joint(sequence, path, transition):
    total, before = torch.zeros(()), 0
    for y, x in zip(sequence, path, strict=True):
        total = total + transition[before, x].log() + dist.Normal(LOCS[x], 1.0).log_prob(y)
        before = x
    return total


def paths(length):
    return list(itertools.product(range(2), repeat=length))


def evidence(transition):
    sums = [
        torch.stack([log_joint(sequence, path, transition) for path in paths(len(sequence))]).logsumexp(0)
        for sequence in SEQUENCES
    ]
    return sum(sums)


def test_the_loss_sums_over_all_paths():
    logits = STAY.log().requires_grad_()
    transition = logits.softmax(-1)
    loss = TraceEnum_ELBO(max_plate_nesting=1).differentiable_loss(model, lambda *args: None, SEQUENCES, transition)
    exact = -evidence(transition)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    gradients = [torch.autograd.grad(each, logits, retain_graph=True)[0] for each in (loss, exact)]
    assert torch.allclose(*gradients, atol=1e-4)


def test_dims_are_used_again_along_the_chain():
    transition = STAY
    longer = SEQUENCES.repeat(1, 8)
    trace = poutine.trace(poutine.enum(model, first_available_dim=-2)).get_trace(longer, transition)
    assert max(trace.nodes[f"x_{t}"]["value"].dim() for t in range(longer.shape[1])) <= 3


def test_the_most_probable_path():
    decoded = infer_discrete(model, temperature=0, first_available_dim=-2)
    trace = poutine.trace(decoded).get_trace(SEQUENCES, STAY)
    found = torch.stack([trace.nodes[f"x_{t}"]["value"] for t in range(4)], -1)
    for sequence, path in zip(SEQUENCES, found.tolist(), strict=True):
        best = max(paths(4), key=lambda each: log_joint(sequence, each, STAY).item())
        assert tuple(path) == best


def test_paths_are_drawn_from_their_posterior():
    sampled = infer_discrete(model, temperature=1, first_available_dim=-2)
    weights = torch.stack([log_joint(SEQUENCES[1], path, STAY) for path in paths(4)]).softmax(0)
    chances = sum(weight for weight, path in zip(weights, paths(4), strict=True) if path[1] == 1).item()
    many = SEQUENCES[1].expand(4_000, 4)
    share = poutine.trace(sampled).get_trace(many, STAY).nodes["x_1"]["value"].float().mean().item()
    # 5 standard errors: a false alarm in two million
    assert share == pytest.approx(chances, abs=5 * (chances * (1 - chances) / 4_000) ** 0.5)


def test_the_mode_of_the_transitions_is_a_stationary_point():
    def random_model(sequences):
        transition = pyro.sample("transition", dist.Dirichlet(2 * torch.ones(2, 2)).to_event(1))
        model(sequences, transition)

    guide = AutoDelta(poutine.block(random_model, expose=["transition"]), init_loc_fn=lambda site: STAY)
    svi = SVI(random_model, guide, Adam({"lr": 0.05}), loss=TraceEnum_ELBO(max_plate_nesting=1))
    for _ in range(250):
        svi.step(SEQUENCES)
    found = guide(SEQUENCES)["transition"].detach()

    def objective(transition):
        return evidence(transition) + dist.Dirichlet(2 * torch.ones(2, 2)).log_prob(transition).sum()

    best = objective(found)
    for row, step in itertools.product(range(2), (-0.03, 0.03)):
        moved = found.clone()
        moved[row] += torch.tensor([step, -step])
        assert constraints.simplex.check(moved).all()
        assert objective(moved) < best
