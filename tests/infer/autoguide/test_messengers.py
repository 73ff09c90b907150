"""Guides that run the model: exact posteriors of a hierarchy, supports that move, plates, and what is refused."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError, MismatchError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import (
    AutoHierarchicalNormalMessenger,
    AutoMessenger,
    AutoNormalMessenger,
    AutoRegressiveMessenger,
    init_to_value,
)

FAMILIES = (AutoNormalMessenger, AutoHierarchicalNormalMessenger, AutoRegressiveMessenger)
DATA = torch.tensor([1.0, -2.0, 0.5])
SPREAD, NOISE = 0.7, 0.5
each_family = pytest.mark.parametrize("family", FAMILIES)


def hierarchy(data=DATA):
    mean = virgil.sample("mean", dist.Normal(0.0, 2.0))
    with virgil.plate("groups", len(data)):
        effect = virgil.sample("effect", dist.Normal(mean, SPREAD))
        virgil.sample("x", dist.Normal(effect, NOISE), obs=data)


def posterior(data):
    """Weight, location and scale of each effect given the mean, and location and scale of the mean; the evidence."""
    own, shared = SPREAD**-2 + NOISE**-2, SPREAD**2 + NOISE**2
    precision = 0.25 + len(data) / shared
    covariance = shared * torch.eye(len(data)) + 4.0
    evidence = torch.distributions.MultivariateNormal(torch.zeros(len(data)), covariance).log_prob(data)
    effect = SPREAD**-2 / own, data * NOISE**-2 / own, own**-0.5
    return effect, (data.sum() / shared / precision, precision**-0.5), evidence


def set_exactly(guide, data):
    guide(data)
    (weight, loc, scale), (mean_loc, mean_scale), evidence = posterior(data)
    new = {"locs.effect": loc, "locs.mean": mean_loc, "scales.mean": mean_scale, "scales.effect": scale}
    new["weights.effect"] = weight
    with torch.no_grad():
        for name, leaf in guide.named_parameters():
            value = torch.as_tensor(new[name], dtype=leaf.dtype)
            leaf.copy_(value if name.startswith("locs") else value.log())
    return evidence


def test_a_hierarchys_posterior_is_in_the_family():
    torch.set_default_dtype(torch.float64)
    data = DATA.double()
    guide = AutoHierarchicalNormalMessenger(hierarchy, hierarchical_sites=["effect"])
    evidence = set_exactly(guide, data)
    for _ in range(3):  # in each draw, not on average: the guide is the posterior
        torch.testing.assert_close(-Trace_ELBO().differentiable_loss(hierarchy, guide, data), evidence)
    many = Trace_ELBO(num_particles=4, vectorize_particles=True).differentiable_loss(hierarchy, guide, data)
    torch.testing.assert_close(-many, evidence)
    _, (mean, _), _ = posterior(data)
    torch.testing.assert_close(guide.median(data)["mean"], mean)


def test_an_affine_image_of_the_prior_is_exact_for_one_normal():
    """``mean ~ N(0, 2)``, ``x ~ N(mean, 0.5)``: the posterior is the prior moved and shrunk."""

    def model():
        mean = virgil.sample("mean", dist.Normal(torch.tensor(0.0), 2.0))
        virgil.sample("x", dist.Normal(mean, NOISE), obs=torch.tensor(1.0))

    guide = AutoRegressiveMessenger(model)
    guide()
    precision = 0.25 + NOISE**-2
    with torch.no_grad():
        guide.locs._parameters["mean"].fill_(NOISE**-2 / precision)
        guide.scales._parameters["mean"].copy_(torch.tensor(precision**-0.5 / 2.0).log())
    evidence = dist.Normal(torch.tensor(0.0), (4.0 + NOISE**2) ** 0.5).log_prob(torch.tensor(1.0))
    for _ in range(3):
        torch.testing.assert_close(-Trace_ELBO().differentiable_loss(model, guide), evidence, rtol=1e-5, atol=1e-5)


def moving():
    top = virgil.sample("top", dist.Gamma(2.0, 1.0))
    virgil.sample("below", dist.Uniform(torch.zeros(()), top))


@each_family
def test_a_support_that_moves_with_another_variable(family):
    """The density of ``below`` given ``top`` integrates to one over the support of this run."""
    guide = family(moving, init_scale=0.7)
    for _ in range(20):
        values = guide()
        assert 0.0 < values["below"] < values["top"]
    site = guide.trace.nodes["below"]
    grid = torch.linspace(0.0, 1.0, 20_002)[1:-1] * values["top"].detach()
    with poutine.block():
        density = site.fn.log_prob(grid).exp()
    torch.testing.assert_close(density.mean() * values["top"].detach(), torch.tensor(1.0), rtol=1e-2, atol=1e-2)


def batches(size):
    with virgil.plate("outer", 2, dim=-2), virgil.plate("data", 6, subsample_size=size, dim=-1):
        virgil.sample("z", dist.LogNormal(torch.zeros(3), 1.0).to_event(1))


@each_family
@pytest.mark.parametrize(
    ("amortized", "shape"),
    [((), (2, 6, 3)), (("data",), (2, 1, 3)), (("outer",), (6, 3)), (("outer", "data"), (3,))],
)
def test_mini_batches_and_plates_that_share_parameters(family, amortized, shape):
    guide = family(batches, amortized_plates=amortized)
    assert guide(4)["z"].shape == (2, 4, 3)
    assert guide(5)["z"].shape == (2, 5, 3)
    assert guide.locs.z.shape == guide.scales.z.shape == shape
    with torch.no_grad():  # each slot has its own location
        guide.locs._parameters["z"].copy_(torch.arange(float(guide.locs.z.numel())).reshape(shape))
        guide.scales._parameters["z"].fill_(-20.0)
    trace = poutine.trace(guide).get_trace(4)
    indices = trace.nodes["data"].value
    if not amortized and family is AutoNormalMessenger:
        torch.testing.assert_close(trace.nodes["z"].value.log(), guide.locs.z[:, indices], rtol=1e-5, atol=1e-5)
    assert bool(Trace_ELBO().differentiable_loss(batches, guide, 4).isfinite())


@each_family
def test_states_come_back_before_and_after_the_first_call(family):
    guide = family(hierarchy)
    guide()
    state = {name: value + 0.1 for name, value in guide.state_dict().items()}
    for is_set_up in (False, True):
        other = family(hierarchy)
        if is_set_up:
            other()
        other.load_state_dict(state)
        other()
        assert all(torch.equal(value, state[name]) for name, value in other.state_dict().items())


@each_family
def test_parameters_depend_on_no_draw(family):
    virgil.set_rng_seed(5)
    first = family(hierarchy)
    virgil.set_rng_seed(5)
    second = family(hierarchy)
    torch.randn(3)
    first(), second()
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    second.reset_parameters()
    second()


def test_what_is_stated_inside_stands_in_the_sites_plates():
    class Auxiliary(AutoMessenger):
        def get_posterior(self, name, prior):
            if name != "effect":
                return dist.Normal(torch.zeros(()), 1.0)
            noise = virgil.sample("noise", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
            return noise + self.upstream_value("mean") + self.args_kwargs[0][0].sum()

    guide = Auxiliary(hierarchy)
    values = guide(DATA)
    assert list(values) == ["mean", "effect"]
    torch.testing.assert_close(values["effect"], guide.upstream_value("noise") + values["mean"] + DATA.sum())
    of_model, of_guide = guide.get_traces()
    assert of_guide.stochastic_nodes == ["mean", "noise", "effect"]
    assert [frame.name for frame in of_guide.nodes["noise"].frames] == ["groups"]
    assert of_model.nodes["effect"].fn.scale.unique().item() == pytest.approx(SPREAD)
    assert bool(Trace_ELBO().differentiable_loss(hierarchy, guide, DATA).isfinite())


@each_family
def test_a_fit_beside_variables_that_are_summed_out(family):
    def model():
        mean = virgil.sample("mean", dist.Normal(0.0, 1.0))
        with virgil.plate("data", 3):
            z = virgil.sample("z", dist.Categorical(torch.ones(2)), infer={"enumerate": "parallel"})
            virgil.sample("x", dist.Normal(mean + z, 1.0), obs=DATA)

    guide = family(poutine.block(model, hide=["z"]))
    fit = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), TraceEnum_ELBO()).run(3, progress=False)
    assert bool(fit.losses.isfinite().all())


def test_a_prior_without_a_mean_is_named():
    def model():
        virgil.sample("c", dist.HalfCauchy(torch.tensor(1.0)))

    with pytest.raises(ArgumentError, match=r"'c' is to follow the mean of its prior, HalfCauchy.*hierarchical_sites="):
        AutoHierarchicalNormalMessenger(model)()
    assert AutoHierarchicalNormalMessenger(model, hierarchical_sites=[])()["c"] > 0.0


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="amortized_plates='data'"):
        AutoNormalMessenger(hierarchy, amortized_plates="data")
    with pytest.raises(ArgumentError, match="init_weight=-1"):
        AutoHierarchicalNormalMessenger(hierarchy, init_weight=-1.0)
    with pytest.raises(MismatchError, match="'z' is discrete"):
        AutoNormalMessenger(lambda: virgil.sample("z", dist.Bernoulli(0.5)))()
    with pytest.raises(ArgumentError, match="no latent site"):
        AutoNormalMessenger(hierarchy, init_loc_fn=init_to_value(values={"other": torch.zeros(())}))()
