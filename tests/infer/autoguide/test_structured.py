"""Structured guides: gap zero on normal posteriors, the dependences that are found, functions, and what is refused."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoLaplaceApproximation, AutoStructured, init_to_value
from virgil.infer.autoguide.core.inverse_structure import eliminated

DATA = torch.tensor([1.0, -2.0, 0.5])


def hierarchy():
    mean = virgil.sample("mean", dist.Normal(0.0, 2.0))
    with virgil.plate("groups", 3):
        effect = virgil.sample("effect", dist.Normal(mean, 0.7))
        virgil.sample("x", dist.Normal(effect, 0.5), obs=DATA)


def collider():
    a = virgil.sample("a", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    b = virgil.sample("b", dist.Normal(torch.tensor(0.0), 1.0))
    virgil.sample("x", dist.Normal(a.sum() + b, 0.5), obs=torch.tensor(1.0))


def chain():
    level = torch.tensor(0.0)
    for step in range(3):
        level = virgil.sample(f"z{step}", dist.Normal(level, 1.0))
        virgil.sample(f"x{step}", dist.Normal(level, 0.5), obs=torch.tensor(float(step)))


def set_to_posterior(guide, model):
    """Write a normal posterior as the guide's conditionals, by regression of each site on its parents."""
    zeros = {name: torch.zeros(()) for name in guide()}
    normal = AutoLaplaceApproximation(model, init_to_value(values=zeros))
    precision = torch.linalg.inv(normal.laplace_approximation().get_posterior().covariance_matrix.detach())
    covariance, sizes, at = torch.linalg.inv(precision), {}, 0
    for latent in guide.latents:
        sizes[latent.name] = list(range(at, at + latent.unconstrained.numel()))
        at += latent.unconstrained.numel()
    point = torch.zeros(at, requires_grad=True)
    slope = gradient_at(model, guide, point)
    mean = covariance @ slope
    with torch.no_grad():
        for name, parents in guide.parents.items():
            own, given = sizes[name], [entry for each in parents for entry in sizes[each]]
            weight = torch.zeros(len(own), 0)
            rest = covariance[own][:, own]
            if given:
                weight = torch.linalg.solve(covariance[given][:, given], covariance[given][:, own]).mT
                rest = rest - weight @ covariance[given][:, own]
            column = 0
            for each in parents:
                width = len(sizes[each])
                # perturbations of parents are whole, so that weights are those of the regression
                guide.deps._parameters[f"{name}.{each}.weight"].copy_(weight[:, column : column + width])
                column += width
            guide.locs._parameters[name].copy_(mean[own])
            factor = torch.linalg.cholesky(rest)
            guide.scales._parameters[name].copy_(torch.expm1(factor.diagonal()).log())
            tril = factor / factor.diagonal().unsqueeze(-1)
            softplus_of_one = torch.tensor(1.0).expm1().log()  # the leaf of a diagonal entry that is 1
            guide.scale_trils._parameters[name].copy_(tril.tril(-1) + torch.eye(len(own)) * softplus_of_one)


def gradient_at(model, guide, point):
    """The slope of the log joint density at zero, of models whose variables are all unconstrained."""
    values, at = {}, 0
    for latent in guide.latents:
        count = latent.unconstrained.numel()
        values[latent.name] = point[at : at + count].reshape(latent.value.shape)
        at += count
    trace = virgil.poutine.trace(virgil.poutine.condition(model, data=values)).get_trace()
    total = sum(site.log_prob_sum for site in trace.nodes.values() if site.kind == "sample")
    return torch.autograd.grad(total, point)[0]


@pytest.mark.parametrize("model", [hierarchy, collider, chain])
def test_the_gap_is_zero_on_a_normal_posterior(model):
    """The loss is the same at every draw: minus the evidence."""
    torch.set_default_dtype(torch.float64)
    guide = AutoStructured(model)
    set_to_posterior(guide, model)
    losses = torch.stack([Trace_ELBO().differentiable_loss(model, guide).detach() for _ in range(5)])
    torch.testing.assert_close(losses, losses[:1].expand(5))
    many = Trace_ELBO(num_particles=3, vectorize_particles=True).differentiable_loss(model, guide)
    torch.testing.assert_close(many.detach(), losses[0])


@pytest.mark.parametrize(
    ("model", "parents"),
    [
        (hierarchy, {"mean": (), "effect": ("mean",)}),
        (collider, {"a": (), "b": ("a",)}),
        (chain, {"z0": (), "z1": ("z0",), "z2": ("z1",)}),
    ],
)
def test_the_dependences_are_those_of_the_posterior(model, parents):
    guide = AutoStructured(model)
    guide()
    assert guide.parents == parents


def test_summing_out_a_common_child_joins_its_parents():
    reads = {"c": frozenset({"a", "b"}), "x": frozenset({"c"})}
    assert eliminated(["a", "b", "c"], reads) == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_a_program_that_reads_values_depends_on_all():
    def model():
        a = virgil.sample("a", dist.Normal(0.0, 1.0))
        virgil.sample("b", dist.Normal(0.0, 1.0 if a.item() > 9 else 2.0))
        virgil.sample("c", dist.Normal(0.0, 1.0))

    guide = AutoStructured(model)
    guide()
    assert guide.parents == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_functions_and_networks_by_site():
    def noise():
        scale = virgil.param("noise_scale", torch.tensor(0.5))
        return scale * virgil.sample(
            "noise", dist.Normal(torch.zeros(1), 1.0).to_event(1), infer={"is_auxiliary": True}
        )

    network = nn.Linear(1, 3)
    conditionals = {"mean": noise, "effect": "delta"}
    guide = AutoStructured(hierarchy, conditionals=conditionals, dependencies={"effect": {"mean": network}})
    values = guide()
    delta = values["mean"] - guide.median()["mean"]
    expected = guide.median()["effect"] + network(delta.reshape(1))
    torch.testing.assert_close(values["effect"], expected)
    before = network.weight.detach().clone()
    SVI(hierarchy, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO()).run(3, progress=False)
    assert not torch.equal(network.weight, before)


def test_points_of_the_sites_given_the_noise():
    deltas = AutoStructured(hierarchy).get_deltas()
    assert {name: (fn.batch_shape, fn.event_shape) for name, fn in deltas.items()} == {
        "mean": ((), ()),
        "effect": ((3,), ()),
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"conditionals": "gamma"}, "conditional 'gamma'"),
        ({"dependencies": "square"}, "dependence 'square'"),
        ({"conditionals": {"mean": "mvn"}}, "without one for 'effect'"),
        ({"dependencies": {"effect": {"men": "linear"}}}, "'men' in conditionals"),
        ({"dependencies": {"effect": {"mean": "linear"}, "mean": {"effect": "linear"}}}, "circle"),
    ],
)
def test_what_is_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        AutoStructured(hierarchy, **options)()
