"""What holds for guides beyond the laws: exact fits, states, errors, classes derived from them, handlers, capture."""

from __future__ import annotations

import math
import pickle
from functools import partial

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError, ParamError
from virgil.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import (
    AutoContinuous,
    AutoDelta,
    AutoDiagonalNormal,
    AutoGuide,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
)
from virgil.params import ParamStore

OBSERVED = torch.tensor([1.0, 2.0, 3.0])


def normal_mean(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def log_evidence(data):
    covariance = torch.eye(len(data)) + 1.0
    return torch.distributions.MultivariateNormal(torch.zeros(len(data)), covariance).log_prob(data)


def posterior(data):
    """Mean and standard deviation."""
    precision = 1.0 + len(data)
    return float(data.sum()) / precision, precision**-0.5


def set_state(guide, **values):
    """Load constrained values: of scales through the inverse of softplus."""
    state = guide.state_dict()
    for key in state:
        value = torch.as_tensor(values[key.replace(".", "_")])
        state[key] = (value.expm1().log() if "scale" in key and "tril" not in key else value).expand_as(state[key])
    guide.load_state_dict(state)


@pytest.mark.parametrize("family", [AutoNormal, AutoDiagonalNormal, AutoMultivariateNormal], ids=lambda f: f.__name__)
def test_the_bound_is_tight_at_the_posterior(family):
    """Every single draw gives the evidence; with the divergence in closed form the mean of draws does."""
    guide = family(normal_mean)
    guide(OBSERVED)
    loc, scale = posterior(OBSERVED)
    set_state(guide, locs_mu=loc, scales_mu=scale, loc=loc, scale=scale, scale_tril=torch.zeros(1, 1))
    for _ in range(3):
        assert math.isclose(Trace_ELBO().loss(normal_mean, guide, OBSERVED), -log_evidence(OBSERVED), rel_tol=1e-5)
    loss = TraceMeanField_ELBO(num_particles=10_000).loss(normal_mean, guide, OBSERVED)
    slope, curvature = float((OBSERVED - loc).sum()), len(OBSERVED)
    standard_error = (slope**2 * scale**2 + 0.5 * curvature**2 * scale**4) ** 0.5 / 100
    assert abs(loss + log_evidence(OBSERVED)) < 4 * standard_error


def test_the_divergence_from_an_equal_prior_is_zero():
    def prior():
        virgil.sample("x", dist.Normal(torch.ones(2), 2.0).to_event(1))
        virgil.sample("y", dist.LogNormal(1.0, 2.0))
        with virgil.plate("data", 3):
            virgil.sample("z", dist.LogNormal(1.0, 2.0))

    guide = AutoNormal(prior, init_scale=2.0, init_loc_fn=lambda site: site.fn.sample())
    guide()
    with torch.no_grad():
        for leaf in guide.locs.parameters():
            leaf.fill_(1.0)
    assert abs(TraceMeanField_ELBO().loss(prior, guide)) < 1e-5
    assert abs(Trace_ELBO().loss(prior, guide)) < 1e-4


def test_the_point_estimate_is_the_maximum():
    guide = AutoDelta(normal_mean)
    SVI(normal_mean, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO()).run(400, OBSERVED, progress=False)
    torch.testing.assert_close(guide.median()["mu"], torch.tensor(posterior(OBSERVED)[0]), atol=1e-3, rtol=0.0)
    assert guide.mu.detach() == guide.median()["mu"]


@pytest.mark.long
def test_a_full_covariance_is_found():
    """The posterior of two correlated variables is normal; the guide contains it."""
    data = torch.tensor(2.0)

    def model():
        a = virgil.sample("a", dist.Normal(0.0, 1.0))
        b = virgil.sample("b", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(a + b, 0.5), obs=data)

    precision = torch.eye(2) + 4.0 * torch.ones(2, 2)
    mean = torch.linalg.solve(precision, torch.full((2,), 4.0 * float(data)))
    for family in (AutoMultivariateNormal, AutoLowRankMultivariateNormal):
        guide = family(model, init_scale=0.5)
        optim = virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.997})
        SVI(model, guide, optim, Trace_ELBO(num_particles=400)).run(1200, progress=False)
        found = guide.get_posterior()
        torch.testing.assert_close(found.mean.detach(), mean, atol=0.03, rtol=0.0)
        expected = torch.linalg.inv(precision)
        torch.testing.assert_close(found.covariance_matrix.detach(), expected, atol=0.06, rtol=0.0)


def substituted(store, guide, leaves):
    with store.substituted(leaves), unchecked():
        return guide(OBSERVED)["mu"]


def test_where_capturing_looks():
    """A step reads parameters through the store, so that they can be a graph's inputs."""
    for family in (AutoNormal, AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal, AutoLowRankMultivariateNormal):
        virgil.clear_param_store()
        guide = family(normal_mean)
        guide(OBSERVED)
        store = virgil.get_param_store()
        leaves = {name: leaf.detach().clone() for name, leaf in store.named_parameters()}

        name = next(name for name in leaves if "mu" in name or name.endswith(".loc"))
        moved = {each: leaf + (each == name) for each, leaf in leaves.items()}
        graph = make_fx(partial(substituted, store, guide))(leaves)
        virgil.set_rng_seed(0)
        before = graph(leaves)
        virgil.set_rng_seed(0)
        torch.testing.assert_close(graph(moved), before + 1.0)


def test_states_of_other_shapes_are_refused():
    def two():
        virgil.sample("mu", dist.Normal(torch.zeros(2), 1.0).to_event(1))

    one, guide = AutoNormal(normal_mean), AutoNormal(two)
    one(OBSERVED)
    guide.load_state_dict(one.state_dict())
    with pytest.raises(ParamError, match=r"parameter for 'mu' was loaded with shape \(\), but the model needs \(2,\)"):
        guide()
    other = AutoNormal(two)
    other()
    with pytest.raises(RuntimeError, match=r"size mismatch for locs.mu"):
        other.load_state_dict(one.state_dict())


def test_states_with_other_names_are_refused():
    guide = AutoNormal(normal_mean)
    guide(OBSERVED)
    state = guide.state_dict()
    state["locs.nu"] = state.pop("locs.mu")
    with pytest.raises(RuntimeError, match=r"(?s)Missing key.*locs\.mu.*Unexpected key.*locs\.nu"):
        guide.load_state_dict(state)
    missing, unexpected = guide.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["locs.mu"], ["locs.nu"])
    guide.load_state_dict(AutoNormal(normal_mean).state_dict(), strict=False)


def test_a_state_may_be_assigned():
    guide, other = AutoNormal(normal_mean), AutoNormal(normal_mean)
    guide(OBSERVED)
    other(OBSERVED)
    other.load_state_dict(guide.state_dict(), assign=True)
    assert torch.equal(other.median()["mu"], guide.median()["mu"])
    assert len(list(other.parameters())) == 2


def test_a_file_of_the_store_is_taken_up_by_a_new_guide(tmp_path):
    with ParamStore() as store:
        guide = AutoNormal(normal_mean)
        SVI(normal_mean, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).run(3, OBSERVED, progress=False)
        store.save(tmp_path / "params")
    with ParamStore() as store:
        store.load(tmp_path / "params")
        other = AutoNormal(normal_mean)
        assert torch.equal(other.median(OBSERVED)["mu"], guide.median()["mu"])


def test_pickling_leaves_the_guide_alive():
    guide = AutoNormal(normal_mean)
    svi = SVI(normal_mean, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    svi.step(OBSERVED)
    before = guide.median()["mu"]
    pickle.dumps(guide)
    svi.step(OBSERVED)
    assert not torch.equal(guide.median()["mu"], before)


def test_dotted_names_read_as_attributes():
    def model():
        virgil.sample("net.layer.weight", dist.HalfNormal(1.0))
        virgil.sample("net", dist.HalfNormal(1.0))

    guide = AutoNormal(model, init_scale=0.25)
    guide()
    assert guide.locs.net == 0.0
    torch.testing.assert_close(getattr(guide.scales, "net.layer.weight").detach(), torch.tensor(0.25))
    with pytest.raises(AttributeError, match="nothing"):
        _ = guide.locs.nothing
    with pytest.raises(AttributeError, match="nothing"):
        _ = AutoDelta(model).nothing

    def only_dotted():
        virgil.sample("net.layer.weight", dist.HalfNormal(1.0))

    guide = AutoDelta(only_dotted)
    guide()
    assert torch.equal(guide.net.layer.weight, guide.median()["net.layer.weight"])


def test_initial_scales():
    def model():
        virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))

    scale = torch.tensor([0.5, 2.0])
    for family in (AutoNormal, AutoDiagonalNormal):
        guide = family(model, init_scale=scale)
        spread = guide.quantiles([0.5, float(dist.Normal(0.0, 1.0).cdf(torch.tensor(1.0)))])["x"]
        torch.testing.assert_close(spread[1] - spread[0], scale, rtol=1e-3, atol=1e-3)
        for wrong in (0.0, -1.0, torch.tensor([1.0, 0.0]), math.nan, "wide", True):
            with pytest.raises(ArgumentError, match=r"got init_scale=.*it takes a positive number"):
                family(model, init_scale=wrong)


def test_probabilities_out_of_range():
    guide = AutoNormal(normal_mean)
    for wrong in ([1.5], 0.5, [-0.1]):
        with pytest.raises(ArgumentError, match=r"quantiles\(\) got .*list of probabilities"):
            guide.quantiles(wrong, OBSERVED)


def test_what_is_no_model():
    with pytest.raises(ArgumentError, match=r"AutoNormal got model=3, which cannot be called"):
        AutoNormal(3)
    with pytest.raises(ArgumentError, match=r"got rank=0"):
        AutoLowRankMultivariateNormal(normal_mean, rank=0)


def test_a_model_whose_discrete_sites_are_blocked():
    data = torch.tensor([0.0, 1.0, 10.0, 11.0, 12.0])

    def mixture(data):
        weights = virgil.sample("weights", dist.Dirichlet(0.5 * torch.ones(2)))
        scale = virgil.sample("scale", dist.LogNormal(0.0, 2.0))
        with virgil.plate("components", 2):
            locs = virgil.sample("locs", dist.Normal(0.0, 10.0))
        with virgil.plate("data", len(data)):
            assignment = virgil.sample("assignment", dist.Categorical(weights))
            virgil.sample("obs", dist.Normal(locs[assignment], scale), obs=data)

    guide = AutoDelta(poutine.block(mixture, expose=["weights", "locs", "scale"]))
    shapes = {name: tuple(value.shape) for name, value in guide(data).items()}
    assert shapes == {"weights": (2,), "scale": (), "locs": (2,)}
    assert set(virgil.get_param_store().keys()) == {"AutoDelta.weights", "AutoDelta.locs", "AutoDelta.scale"}


class Network(nn.Module):
    """A model with parameters and buffers of its own."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x):
        virgil.module("network", self)
        scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
        with virgil.plate("data", len(x)):
            virgil.sample("y", dist.Normal(self.norm(self.linear(x)).squeeze(-1), scale), obs=x.squeeze(-1))


def test_a_network_as_the_model():
    x, network = torch.randn(4, 1), Network()
    guide = AutoNormal(network)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    guide(x)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert [name for name, _ in guide.named_parameters()] == ["locs.scale", "scales.scale"]
    assert list(virgil.get_param_store()) == ["AutoNormal.locs.scale", "AutoNormal.scales.scale"]
    SVI(network, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).run(2, x, progress=False)
    assert len(virgil.get_param_store()) == 6


class Widened(AutoNormal):
    """A family of ones own, by overriding."""

    def _setup_prototype(self, *args, **kwargs):
        super()._setup_prototype(*args, **kwargs)
        self.extra = nn.Parameter(torch.ones(()))

    def forward(self, *args, **kwargs):
        values = super().forward(*args, **kwargs)
        values["extra"] = virgil.sample("extra", dist.Delta(self.extra), infer={"is_auxiliary": True})
        return values


class FromScratch(AutoGuide):
    """A family that uses the base alone."""

    def forward(self, *args, **kwargs):
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)
        plates = self._create_plates(*args, **kwargs)
        values = {}
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            names = [frame.name for frame in site["cond_indep_stack"]]
            for each in names:
                plates[each].__enter__()
            values[name] = virgil.sample(name, dist.Delta(site["value"], event_dim=site["fn"].event_dim))
            for each in reversed(names):
                plates[each].__exit__()
        return values


@pytest.mark.parametrize("family", [Widened, FromScratch])
def test_a_derived_family(family):
    def model():
        with virgil.plate("data", 3):
            virgil.sample("z", dist.Normal(0.0, 1.0))

    guide = family(model)
    assert math.isfinite(Trace_ELBO().loss(model, guide))
    assert guide()["z"].shape == (3,)
    if family is Widened:
        assert set(virgil.get_param_store().keys()) == {"Widened.locs.z", "Widened.scales.z", "Widened.extra"}
        assert guide()["extra"] == 1.0


def test_a_base_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match=r"AutoGuide has no forward"):
        AutoGuide(normal_mean)()
    with pytest.raises(NotImplementedError, match=r"AutoGuide has no median"):
        AutoGuide(normal_mean).median()
    with pytest.raises(NotImplementedError, match=r"AutoContinuous does not say what parameters"):
        AutoContinuous(normal_mean)(OBSERVED)


def test_posterior_draws_are_unseen():
    guide = AutoNormal(normal_mean)
    trace = poutine.trace(guide.sample_posterior).get_trace(OBSERVED)
    assert not trace.stochastic_nodes
    assert not trace.nodes["_RETURN"].value["mu"].requires_grad


def test_handlers_see_the_parameters():
    guide = AutoNormal(normal_mean)
    guide(OBSERVED)
    values = {"AutoNormal.locs.mu": torch.tensor(5.0), "AutoNormal.scales.mu": torch.tensor(1e-6)}
    assert abs(poutine.substitute(guide, data=values)(OBSERVED)["mu"] - 5.0) < 1e-3
    lifted = poutine.trace(poutine.lift(guide, prior=dist.Normal(0.0, 1.0))).get_trace(OBSERVED)
    assert "AutoNormal.locs.mu" in lifted.stochastic_nodes
