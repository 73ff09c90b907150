"""Handlers in the style of the tutorials on effects and of "minipyro": log-joints, own messengers, boosting."""

import math

import numpy as np
import pyro
import pyro.distributions as dist
import pyro.poutine as poutine
import pytest
import torch
from pyro.infer import SVI, Trace_ELBO
from pyro.poutine.messenger import Messenger
from pyro.poutine.runtime import effectful
from pyro.poutine.trace_messenger import TraceMessenger
from scipy import optimize, stats
from torch.distributions import constraints


def scale(guess):
    weight = pyro.sample("weight", dist.Normal(guess, 1.0))
    return pyro.sample("measurement", dist.Normal(weight, 0.75))


def log_joint(model):
    def density(values, *args):
        conditioned = poutine.condition(model, data=values)
        return poutine.trace(conditioned).get_trace(*args).log_prob_sum()

    return density


class LogJoint(Messenger):
    """The sum of the log-probabilities of what happens inside, given values for some of it."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def __call__(self, fn):
        def density(*args, **kwargs):
            with self:
                self.total = torch.tensor(0.0)
                fn(*args, **kwargs)
                return self.total

        return density

    def _pyro_sample(self, msg):
        if msg["name"] in self.data:
            msg["value"] = self.data[msg["name"]]
            msg["done"] = True

    def _pyro_post_sample(self, msg):
        self.total = self.total + (msg["scale"] * msg["fn"].log_prob(msg["value"])).sum()


def test_the_log_joint_by_handlers_and_by_a_messenger_of_the_users():
    values = {"weight": torch.tensor(8.2), "measurement": torch.tensor(9.5)}
    expected = stats.norm.logpdf(8.2, 8.5, 1.0) + stats.norm.logpdf(9.5, 8.2, 0.75)
    assert log_joint(scale)(values, 8.5).item() == pytest.approx(expected, rel=1e-5)
    assert LogJoint(values)(scale)(8.5).item() == pytest.approx(expected, rel=1e-5)


class Recording(TraceMessenger):
    """A tracer that counts what it records."""

    def __enter__(self):
        self.count = 0
        return super().__enter__()

    def _pyro_post_sample(self, msg):
        self.count += 1
        super()._pyro_post_sample(msg)


def test_a_tracer_of_the_users_own():
    recording = Recording()
    with recording, pyro.plate("scales", 2):
        scale(torch.tensor([8.0, 9.0]))
    assert recording.count == 3  # the plate's indices are a site too
    assert recording.trace.stochastic_nodes == ["scales", "weight", "measurement"]


@effectful(type="pose")
def pose(angle):
    return angle


class Turned(Messenger):
    """Turns every pose by a quarter."""

    def _pyro_pose(self, msg):
        msg["args"] = (msg["args"][0] + math.pi / 2,)


def test_an_effect_of_the_users_own():
    assert pose(1.0) == 1.0
    with Turned(), Turned():
        assert pose(1.0) == pytest.approx(1.0 + math.pi)


def test_a_condition_may_be_taken_back():
    data = {"weight": torch.tensor(8.0), "measurement": torch.tensor(9.0)}
    conditioned = poutine.condition(scale, data=data)
    assert poutine.trace(conditioned).get_trace(8.5).observation_nodes == ["weight", "measurement"]
    assert poutine.trace(poutine.uncondition(conditioned)).get_trace(8.5).observation_nodes == []


X = torch.tensor([4.0, 4.2, 3.9, 4.1, 3.8, 4.0])


def mixture_model(data):
    loc = pyro.sample("loc", dist.Normal(0.0, 5.0))
    with pyro.plate("data", len(data)):
        pyro.sample("x", dist.Normal(loc * loc, 0.1), obs=data)


def component(index):
    def guide(data):
        loc = pyro.param(f"loc_{index}", torch.tensor(1.0 - 2.0 * index))
        scale = pyro.param(f"scale_{index}", torch.tensor(0.1), constraint=constraints.positive)
        pyro.sample("loc", dist.Normal(loc, scale))

    return guide


def relbo(model, guide, *args, approximation):
    """The bound of boosting *(Locatello et al. 2018)*: the approximation so far counts as taken away."""
    traced = poutine.trace(guide).get_trace(*args)
    joint = poutine.trace(poutine.replay(model, trace=traced)).get_trace(*args)
    before = poutine.trace(poutine.replay(approximation, trace=traced)).get_trace(*args)
    return -(joint.log_prob_sum() - traced.log_prob_sum() - before.log_prob_sum())


def exact_relbo(parameters, before):
    """The bound of boosting for a normal component, by quadrature."""
    loc, scale = parameters[0], math.exp(parameters[1])
    nodes, weights = np.polynomial.hermite_e.hermegauss(30)
    at = loc + scale * nodes
    joint = stats.norm.logpdf(at, 0.0, 5.0) + sum(stats.norm.logpdf(x, at**2, 0.1) for x in X.numpy())
    taken = stats.norm.logpdf(at, loc, scale) + stats.norm.logpdf(at, *before)
    return -(weights / weights.sum()) @ (joint - taken)


@pytest.mark.long
def test_boosting_leaves_the_first_mode():
    """The square of `loc` is observed to be four: the posterior has modes near 2 and -2."""
    pyro.set_rng_seed(0)
    first = SVI(mixture_model, component(0), pyro.optim.Adam({"lr": 0.02}), Trace_ELBO())
    for _ in range(300):
        first.step(X)
    assert pyro.param("loc_0").item() == pytest.approx(math.sqrt(X.mean().item()), abs=0.05)
    before = pyro.param("loc_0").item(), pyro.param("scale_0").item()
    approximation = poutine.block(component(0), expose=["loc"])

    def loss(model, guide, *args):
        return relbo(model, guide, *args, approximation=approximation)

    second = SVI(mixture_model, component(1), pyro.optim.Adam({"lr": 0.02}), loss=loss)
    for _ in range(500):
        second.step(X)
    exact = optimize.minimize(exact_relbo, [-2.0, math.log(0.05)], args=(before,), method="Nelder-Mead").x
    assert pyro.param("loc_1").item() == pytest.approx(exact[0], abs=0.05)
