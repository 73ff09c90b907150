"""Guides under the alias: old methods, keys of old files, and families that users have written."""

import copy
import pickle
from contextlib import ExitStack

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.distributions import constraints
from pyro.infer import SVI, Trace_ELBO, autoguide
from pyro.infer.autoguide import AutoContinuous, AutoDelta, AutoGuide, AutoGuideList, AutoNormal, init_to_mean
from pyro.infer.autoguide.guides import deep_getattr, deep_setattr, prototype_hide_fn
from pyro.infer.autoguide.initialization import InitMessenger, init_to_value
from pyro.infer.autoguide.utils import helpful_support_errors, mean_field_entropy
from pyro.nn import PyroModule, PyroParam
from torch import nn
from torch.distributions import biject_to, transform_to

from virgil.infer import autoguide as house


def model():
    mu = pyro.sample("mu", dist.Normal(0.0, 1.0))
    pyro.sample("layer.scale", dist.HalfNormal(1.0))
    pyro.sample("w", dist.Dirichlet(torch.ones(3)))
    with pyro.plate("p", 4):
        z = pyro.sample("z", dist.LogNormal(mu, 1.0))
        pyro.sample("x", dist.Normal(z, 1.0), obs=torch.zeros(4))


SITES = ["mu", "layer.scale", "w", "z"]
KEYS = {
    "AutoNormal": [f"{kind}.{name}_unconstrained" for kind in ("locs", "scales") for name in SITES],
    "AutoDelta": [f"{name}_unconstrained" for name in SITES],
    "AutoDiagonalNormal": ["loc", "scale_unconstrained"],
    "AutoMultivariateNormal": ["loc", "scale_unconstrained", "scale_tril_unconstrained"],
    "AutoLaplaceApproximation": ["loc"],
    "AutoLowRankMultivariateNormal": ["loc", "scale_unconstrained", "cov_factor"],
}


@pytest.mark.parametrize("family", KEYS)
def test_the_call_in_a_row(family):
    guide = getattr(autoguide, family)(model)
    assert isinstance(guide, AutoGuide)
    assert isinstance(guide, getattr(house, family))
    assert [tuple(value.shape) for value in guide.call()] == [(), (), (3,), (4,)]
    assert (guide.sample_latent() is None) == (family in ("AutoNormal", "AutoDelta"))
    assert guide.master is None


@pytest.mark.parametrize("family", KEYS)
@pytest.mark.parametrize("room", [autoguide, house])
@pytest.mark.parametrize("is_set_up", [False, True])
def test_a_state_with_the_former_keys_is_loaded(family, room, is_set_up):
    guide = getattr(autoguide, family)(model)
    guide()
    with torch.no_grad():
        for number, leaf in enumerate(guide.parameters()):
            leaf += 0.1 * (number + 1)
    state = guide.state_dict()
    assert list(state) == KEYS[family]
    median = guide.median()
    pyro.clear_param_store()
    other = getattr(room, family)(model)
    if is_set_up:
        other()
    other.load_state_dict(state)
    for name, value in other.median().items():
        assert torch.equal(value, median[name])


def test_leaves_of_an_old_file_are_unconstrained():
    """By hand: a location as it is, a scale by the inverse of softplus."""
    state = {"locs.mu_unconstrained": torch.tensor(0.5), "scales.mu_unconstrained": torch.tensor(0.2)}
    guide = house.AutoNormal(lambda: pyro.sample("mu", dist.Normal(0.0, 1.0)))
    guide.load_state_dict(state)
    guide()
    assert guide.locs.mu.item() == 0.5
    assert guide.scales.mu.item() == pytest.approx(
        transform_to(constraints.softplus_positive)(torch.tensor(0.2)).item()
    )


def test_a_site_whose_name_ends_like_a_former_key_keeps_it():
    def unconstrained():
        pyro.sample("x_unconstrained", dist.Normal(0.0, 1.0))
        pyro.sample("y", dist.Normal(0.0, 1.0))

    guide = house.AutoNormal(unconstrained)
    guide()
    state = {name: value + 1 for name, value in guide.state_dict().items()}
    fresh = house.AutoNormal(unconstrained)
    fresh.load_state_dict(state)
    assert fresh.median()["x_unconstrained"].item() == 1.0


def test_inside_another_module_the_keys_are_the_former_ones_as_well():
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 1)
            self.guide = AutoDelta(model)

    holder = Holder()
    holder.guide()
    keys = ["linear.weight", "linear.bias", *(f"guide.{key}" for key in KEYS["AutoDelta"])]
    assert list(holder.state_dict()) == keys
    fresh = Holder()
    fresh.load_state_dict(holder.state_dict())
    assert torch.equal(fresh.guide.median()["w"], holder.guide.median()["w"])


def test_parts_of_a_list_know_it():
    guide = AutoGuideList(model)
    guide.append(AutoNormal(poutine.block(model, expose=["mu", "layer.scale"])))
    guide.add(AutoDelta(poutine.block(model, expose=["w", "z"])))
    assert [part.master() is guide for part in guide] == [True, True]
    assert set(guide()) == set(SITES)
    assert list(guide.state_dict())[-2:] == ["1.w_unconstrained", "1.z_unconstrained"]
    clone = copy.deepcopy(guide)
    assert clone[0].master() is clone
    assert guide[0].master() is guide


def test_a_guide_can_be_pickled():
    guide = AutoNormal(in_a_module)
    guide()
    again = pickle.loads(pickle.dumps(guide))
    assert torch.equal(again.median()["mu"], guide.median()["mu"])


def in_a_module():
    pyro.sample("mu", dist.Normal(1.0, 1.0))


@pytest.mark.parametrize("kind", [autoguide.AutoDiagonalNormal, autoguide.AutoMultivariateNormal])
def test_the_vector_as_the_image_of_a_simpler_one(kind):
    guide = kind(model, init_scale=0.3)
    guide()
    vector = torch.linspace(-1.0, 1.0, guide.latent_dim)
    image = dist.TransformedDistribution(guide.get_base_dist(), guide.get_transform())
    assert torch.allclose(image.log_prob(vector), guide.get_posterior().log_prob(vector), atol=1e-5)
    with pytest.raises(NotImplementedError, match="not written as the image"):
        autoguide.AutoLowRankMultivariateNormal(model).get_base_dist()


# Families that users have written


class Encoded(AutoGuide):
    """A normal for each site, with parameters of the full size of its plates."""

    def __init__(self, model, create_plates=None):
        super().__init__(InitMessenger(init_to_mean)(model), create_plates=create_plates)

    def _setup_prototype(self, *args, **kwargs):
        super()._setup_prototype(*args, **kwargs)
        self._event_dims = {}
        self.locs, self.scales = PyroModule(), PyroModule()
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            with helpful_support_errors(site):
                loc = biject_to(site["fn"].support).inv(site["value"].detach()).detach()
            event_dim = site["fn"].event_dim + loc.dim() - site["value"].dim()
            self._event_dims[name] = event_dim
            for frame in site["cond_indep_stack"]:
                if frame.full_size != frame.size:
                    dim = loc.dim() + frame.dim - event_dim
                    loc = loc.index_select(dim, torch.arange(frame.full_size) % frame.size)
            deep_setattr(self.locs, name, PyroParam(loc, constraints.real, event_dim))
            scale = PyroParam(torch.full_like(loc, 0.1), constraints.softplus_positive, event_dim)
            deep_setattr(self.scales, name, scale)

    def forward(self, *args, **kwargs):
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)
        plates = self._create_plates(*args, **kwargs)
        result = {}
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            transform = biject_to(site["fn"].support)
            with ExitStack() as stack:
                for frame in site["cond_indep_stack"]:
                    if frame.vectorized:
                        stack.enter_context(plates[frame.name])
                loc, scale = deep_getattr(self.locs, name), deep_getattr(self.scales, name)
                base = dist.Normal(loc, scale).to_event(self._event_dims[name])
                unconstrained = pyro.sample(f"{name}_unconstrained", base, infer={"is_auxiliary": True})
                value = transform(unconstrained)
                density = transform.inv.log_abs_det_jacobian(value, unconstrained)
                density = density.sum(-1) if site["fn"].event_dim and density.shape == value.shape else density
                point = dist.Delta(value, log_density=density, event_dim=site["fn"].event_dim)
                result[name] = pyro.sample(name, point)
        return result


def in_batches(data, indices):
    rate = pyro.sample("layer.rate", dist.Gamma(2.0, 1.0))
    with pyro.plate("obs", 10, subsample=indices):
        z = pyro.sample("z", dist.LogNormal(0.0, rate).expand([2]).to_event(1))
        pyro.sample("x", dist.Normal(z, 1.0).to_event(1), obs=data)


def test_a_family_of_a_users_own_that_makes_its_parameters_at_the_first_call():
    guide = Encoded(in_batches)
    svi = SVI(in_batches, guide, pyro.optim.ClippedAdam({"lr": 0.05}), Trace_ELBO())
    data = torch.randn(10, 2)
    for step in range(6):
        indices = (torch.arange(3) + step) % 10
        svi.step(data[indices], indices)
    locs = ["locs.layer.rate_unconstrained", "locs.z_unconstrained"]
    assert set(guide.state_dict()) == {*locs, *(key.replace("locs", "scales") for key in locs)}
    before = guide.locs.z.detach().clone()
    assert before.shape == (10, 2)
    svi.step(data[:3], torch.arange(3))
    changed = (guide.locs.z != before).any(-1)
    assert changed[:3].all()


class TwoNormals(AutoContinuous):
    """Independent normals, by the hooks of old subclasses."""

    def _setup_prototype(self, *args, **kwargs):
        super()._setup_prototype(*args, **kwargs)
        self.loc = nn.Parameter(self._init_loc())
        self.scale = PyroParam(self.loc.new_full((self.latent_dim,), self._init_scale), constraints.positive)

    def get_posterior(self, *args, **kwargs):
        return dist.Normal(self.loc, self.scale).to_event(1)

    def _loc_scale(self, *args, **kwargs):
        return self.loc, self.scale


def conjugate():
    a = pyro.sample("a", dist.Normal(0.0, 1.0))
    pyro.sample("b", dist.LogNormal(0.5, 0.25))
    pyro.sample("x", dist.Normal(a, 1.0), obs=torch.tensor(1.0))


@pytest.mark.long
def test_a_vector_of_a_users_own_is_fitted():
    """Given x, a is Normal(1/2, 1/sqrt 2) and log b is Normal(1/2, 1/4); steps of 0.01 leave less than 0.1."""
    guide = TwoNormals(conjugate)
    svi = SVI(conjugate, guide, pyro.optim.Adam({"lr": 0.01}), Trace_ELBO(num_particles=10, vectorize_particles=True))
    for _ in range(600):
        svi.step()
    assert guide.loc.tolist() == pytest.approx([0.5, 0.5], abs=0.1)
    assert guide.scale.tolist() == pytest.approx([0.5**0.5, 0.25], abs=0.1)
    assert guide.median()["b"].item() == pytest.approx(guide.loc[1].exp().item())
    low = guide.quantiles([0.1])["a"]
    exact = torch.distributions.Normal(guide.loc[0], guide.scale[0]).icdf(torch.tensor(0.1))
    assert low.item() == pytest.approx(exact.item(), rel=1e-5)
    assert [(site["name"], value.item()) for site, value in guide._unpack_latent(guide.loc)] == [
        ("a", guide.loc[0].item()),
        ("b", guide.loc[1].item()),
    ]


# Functions


def test_an_entropy_of_independent_statements():
    def program(scale):
        pyro.sample("a", dist.Normal(0.0, scale))
        with pyro.plate("p", 3):
            pyro.sample("b", dist.Normal(0.0, 1.0))

    a, b = (torch.distributions.Normal(0.0, scale).entropy().item() for scale in (2.0, 1.0))
    assert mean_field_entropy(program, (2.0,)).item() == pytest.approx(a + 3 * b)
    assert mean_field_entropy(program, (2.0,), whitelist=["b"]).item() == pytest.approx(3 * b)


def test_a_guide_need_know_the_latent_variables_alone():
    sites = poutine.trace(model).get_trace().nodes
    assert [name for name, site in sites.items() if not prototype_hide_fn(site)] == SITES


def test_initial_values_by_a_handler():
    with InitMessenger(init_to_value(values={"mu": torch.tensor(3.0)})):
        assert poutine.trace(model).get_trace().nodes["mu"]["value"].item() == 3.0


def test_a_gaussian_guide_has_the_former_path_and_keys():
    from pyro.infer.autoguide.gaussian import AutoGaussian

    guide = AutoGaussian(model, backend="dense")
    assert isinstance(guide, house.AutoGaussian)
    assert [tuple(value.shape) for value in guide.call()] == [(), (), (3,), (4,)]
    assert guide.sample_latent() is None
    state = guide.state_dict()
    keys = [f"{kind}.{name}_unconstrained" for kind in ("locs", "scales") for name in SITES]
    assert sorted(state) == sorted([*keys, "factors.w", "weights.z"])
    for fresh in (AutoGaussian(model), house.AutoGaussian(model)):
        fresh.load_state_dict(state)
        assert all(torch.equal(value, guide.median()[name]) for name, value in fresh.median().items())
