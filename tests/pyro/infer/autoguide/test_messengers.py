"""Guides that run the model, under the alias: names of parameters, what a call returns, and classes of users."""

import pickle

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import SVI, Trace_ELBO
from pyro.infer.autoguide import (
    AutoHierarchicalNormalMessenger,
    AutoMessenger,
    AutoNormalMessenger,
    AutoRegressiveMessenger,
)
from pyro.infer.autoguide.effect import AutoMessengerMeta
from pyro.poutine.guide import GuideMessenger
from pyro.poutine.messenger import Messenger
from torch.distributions import biject_to

FAMILIES = (AutoNormalMessenger, AutoHierarchicalNormalMessenger, AutoRegressiveMessenger)
DATA = torch.arange(4.0)


def model():
    s = pyro.sample("s", dist.HalfNormal(1.0))
    with pyro.plate("p", 4, subsample_size=2) as indices:
        m = pyro.sample("m", dist.Normal(3.0, s))
        pyro.deterministic("twice", 2 * m)
        pyro.sample("x", dist.Normal(m, 1.0), obs=DATA[indices])


def step(guide, program=model):
    return SVI(program, guide, pyro.optim.Adam({"lr": 0.01}), Trace_ELBO()).step()


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_have_no_guides_name_and_files_the_former_keys(family):
    guide = family(model)
    assert set(guide()) == {"s", "m", "twice", "x"}
    groups = ["locs", "scales", "weights"][: 3 if family is AutoHierarchicalNormalMessenger else 2]
    names = [f"{group}.{site}" for group in groups for site in "sm"]
    assert set(pyro.get_param_store().keys()) == set(names)
    state = guide.state_dict()
    assert list(state) == [f"{name}_unconstrained" for name in names]
    assert state["scales.m_unconstrained"].shape == (4,)
    torch.testing.assert_close(state["scales.s_unconstrained"], torch.tensor(0.1).log())
    fresh = family(model)
    fresh.load_state_dict({key: value + 0.5 for key, value in state.items()})
    fresh()
    torch.testing.assert_close(fresh.scales.s, guide.scales.s * torch.tensor(0.5).exp())
    assert step(guide) > 0.0


def test_it_is_a_messenger():
    assert issubclass(AutoHierarchicalNormalMessenger, Messenger)
    assert isinstance(AutoNormalMessenger(model), GuideMessenger)
    assert not issubclass(pyro.infer.autoguide.AutoNormal, GuideMessenger)
    assert issubclass(AutoMessengerMeta, type(GuideMessenger))


def test_locations_begin_so_that_the_guide_begins_at_the_priors_mean():
    normal, hierarchical, regressive = (family(model) for family in FAMILIES)
    log_mean = dist.HalfNormal(1.0).mean.log()
    for guide in (normal, hierarchical, regressive):
        guide()
    torch.testing.assert_close(normal.locs.s.detach(), log_mean)
    assert hierarchical.locs.s.item() == hierarchical.locs.m[0].item() == 0.0
    torch.testing.assert_close(regressive.locs.s.detach(), 0.9 * log_mean)
    torch.testing.assert_close(hierarchical.median()["s"], dist.HalfNormal(1.0).mean)


def test_the_two_traces_of_one_run():
    guide = AutoNormalMessenger(model)
    values = guide()
    model_trace, guide_trace = guide.get_traces()
    assert guide_trace.stochastic_nodes == ["s", "m"]
    assert model_trace.stochastic_nodes == ["s", "m"]
    assert model_trace.nodes["m"]["fn"].loc.tolist() == [3.0, 3.0]
    assert torch.equal(guide_trace.nodes["m"]["value"], values["m"])


class Amortised(AutoHierarchicalNormalMessenger):
    """As libraries derive from it: one variable has parameters of another origin."""

    def get_posterior(self, name, prior):
        if self._computing_median and name == "m":
            return self._get_params(name, prior)[0]
        return super().get_posterior(name, prior)

    def _get_params(self, name, prior):
        if name != "m":
            return super()._get_params(name, prior)
        transform = biject_to(prior.support)
        loc = pyro.param("m_loc", torch.zeros(()))
        assert self.upstream_value("s").shape == ()
        return transform.inv(transform(loc)).expand(prior.shape()), torch.ones(prior.shape()), torch.zeros(())


def test_a_class_of_a_user():
    guide = Amortised(model, hierarchical_sites=["m"])
    assert step(guide) > 0.0
    assert "m_loc" in pyro.get_param_store()
    assert "locs.m" not in pyro.get_param_store()
    assert torch.equal(guide.median()["m"], pyro.param("m_loc").detach().expand(2))
    again = pickle.loads(pickle.dumps(guide))
    assert set(again()) == set(guide())


class Plain(GuideMessenger):
    def get_posterior(self, name, prior):
        loc = pyro.param(f"{name}_loc", torch.tensor(0.1))
        return dist.LogNormal(loc, 0.1) if name == "s" else dist.Normal(loc, 0.1)


def test_svi_takes_the_old_base():
    guide = Plain(model)
    assert step(guide) > 0.0
    assert set(pyro.get_param_store()) == {"s_loc", "m_loc"}
    assert "x" not in poutine.trace(guide).get_trace().nodes


def test_the_base_has_no_posterior():
    with pytest.raises(NotImplementedError, match=r"get_posterior\(\)"):
        AutoMessenger(model)()
