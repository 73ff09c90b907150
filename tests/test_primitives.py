"""The statements: ``sample``, ``param``, ``deterministic``, ``factor``, ``module`` and the former names."""

import re

import numpy as np
import pytest
import torch
from torch import distributions as td
from torch import nn

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError

STANDARD = dist.Normal(0.0, 1.0)


def _trace(program):
    return poutine.trace(program).get_trace()


# sample


def test_sample_draws_what_the_distribution_draws():
    virgil.set_rng_seed(2)
    z = virgil.sample("z", dist.Normal(3.0, 2.0))
    virgil.set_rng_seed(2)
    assert z == td.Normal(3.0, 2.0).sample()


@pytest.mark.parametrize(
    ("fn", "obs", "value"),
    [
        (STANDARD, 1.5, 1.5),
        (dist.Bernoulli(0.25), 1, 1),
        (dist.Bernoulli(0.25), True, 1),
        (dist.Poisson(2.0), np.float32(3.0), 3.0),
        (dist.Categorical(torch.tensor([0.2, 0.8])), 1, 1),
        (STANDARD, np.array(0.5, dtype=np.float32), 0.5),
    ],
)
def test_obs_need_not_be_a_tensor(fn, obs, value):
    site = _trace(lambda: virgil.sample("x", fn, obs=obs)).nodes["x"]
    assert isinstance(site["value"], torch.Tensor)
    assert site["is_observed"]
    assert torch.isclose(site["log_prob"], fn.log_prob(torch.tensor(float(value))))


def test_obs_may_be_a_list():
    def model():
        with virgil.plate("data", 3):
            virgil.sample("x", STANDARD, obs=[1.0, 2.0, 3.0])

    assert torch.allclose(_trace(model).nodes["x"]["log_prob"], STANDARD.log_prob(torch.tensor([1.0, 2.0, 3.0])))


def test_a_plain_torch_distribution_works_at_a_statement():
    def model():
        with virgil.plate("data", 3):
            z = virgil.sample("z", td.Normal(torch.tensor(0.0, requires_grad=True), 1.0))
            c = virgil.sample("c", td.Bernoulli(0.5))
        return z, c

    trace = _trace(model)
    z, c = trace.nodes["_RETURN"]["value"]
    assert (z.shape, c.shape) == ((3,), (3,))
    assert z.requires_grad
    assert set(c.tolist()) <= {0.0, 1.0}
    assert trace.nonreparam_stochastic_nodes == ["c"]


class Triangular(dist.TorchDistribution):
    """A user's own: density 2 x on the unit interval, by inversion."""

    arg_constraints = {}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, batch_shape=()):
        super().__init__(torch.Size(batch_shape), torch.Size())

    def expand(self, batch_shape, _instance=None):
        return Triangular(batch_shape)

    def rsample(self, sample_shape=()):
        return torch.rand(self.shape(sample_shape)).sqrt()

    def log_prob(self, value):
        return (2 * value).log()


def test_an_own_distribution_works_in_a_plate():
    def model():
        with virgil.plate("data", 4000):
            return virgil.sample("z", Triangular())

    trace = _trace(model)
    z = trace.nodes["z"]["value"]
    assert z.shape == (4000,)
    assert z.mean().item() == pytest.approx(2 / 3, abs=5 * (1 / 18 / 4000) ** 0.5)
    assert torch.allclose(trace.log_prob_sum(), (2 * z).log().sum())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: virgil.sample(STANDARD, "x"),
            "as its name, a Normal; the first argument is the site's name, a string",
        ),
        (lambda: virgil.sample("x", 3.0), "At site 'x', sample() got 3.0, which is no distribution. Pass one of"),
        (lambda: virgil.sample("x", dist.Normal), "At site 'x', sample() got <class"),
        (
            lambda: virgil.sample("x", STANDARD, obs_mask=torch.tensor(True)),
            "At site 'x', obs_mask is given without obs",
        ),
        (
            lambda: virgil.sample("x", STANDARD, obs=1.0, obs_mask=torch.tensor(1.0)),
            "it must be a tensor of dtype torch.bool",
        ),
        (lambda: virgil.param(3), "param() got 3 as its name, an int"),
        (lambda: virgil.deterministic(None, torch.ones(())), "deterministic() got None as its name"),
        (lambda: virgil.factor(None, 1.0), "factor() got None as its name"),
        (lambda: virgil.module("net", lambda x: x), "module('net') got"),
        (lambda: virgil.module(nn.Linear(1, 1), "net"), "module() got Linear"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()


# partly observed


def _partly(data, mask, event=False):
    def model():
        fn = dist.Normal(torch.zeros(2), 1.0).to_event(1) if event else STANDARD
        with virgil.plate("data", 3):
            return virgil.sample("x", fn, obs=data, obs_mask=mask)

    return model


MASK = torch.tensor([True, False, True])


def test_obs_mask_makes_a_latent_part():
    data = torch.tensor([5.0, float("nan"), 7.0])
    trace = _trace(_partly(data, MASK))
    assert trace.stochastic_nodes == ["x_unobserved"]
    assert trace.observation_nodes == ["x_observed"]
    assert trace.nodes["x"].kind == "deterministic"
    value = trace.nodes["_RETURN"]["value"]
    latent = trace.nodes["x_unobserved"]["value"]
    assert value.tolist() == [5.0, latent[1], 7.0]
    assert torch.isclose(trace.log_prob_sum(), STANDARD.log_prob(value).sum())


def test_obs_mask_of_vectors():
    data = torch.arange(6.0).reshape(3, 2)
    value = _partly(data, MASK, event=True)()
    assert torch.equal(value[MASK], data[MASK])
    assert not torch.equal(value[~MASK], data[~MASK])


@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 4)])
def test_an_obs_mask_of_the_entries_of_an_event_is_refused(shape):
    fn = dist.MultivariateNormal(torch.zeros(3), torch.eye(3))
    message = (
        rf"At site 'x', obs_mask has shape {re.escape(str(shape))}.*batch shape \(4,\).*observed whole or not at all"
    )
    with virgil.plate("rows", 4), pytest.raises(ShapeError, match=message):
        virgil.sample("x", fn, obs=torch.zeros(4, 3), obs_mask=torch.ones(shape, dtype=torch.bool))


def test_an_obs_mask_of_too_many_slots_is_refused():
    message = r"At site 'x', obs_mask has shape \(5,\), which does not broadcast to the batch shape \(4,\)[^.]*\.$"
    with virgil.plate("rows", 4), pytest.raises(ShapeError, match=message):
        virgil.sample("x", STANDARD, obs=torch.zeros(4), obs_mask=torch.ones(5, dtype=torch.bool))


def test_obs_mask_can_be_conditioned_and_replayed():
    program = poutine.condition(_partly(torch.zeros(3), MASK), data={"x_unobserved": torch.full((3,), 4.0)})
    assert program().tolist() == [0.0, 4.0, 0.0]


# deterministic and factor


def test_deterministic_records_and_counts_nothing():
    def model():
        z = virgil.sample("z", STANDARD)
        return virgil.deterministic("square", z**2), virgil.deterministic("pair", torch.stack([z, z]), event_dim=1)

    trace = _trace(model)
    square = trace.nodes["square"]
    assert square["value"] == trace.nodes["z"]["value"] ** 2
    assert trace.nodes["pair"]["fn"].event_shape == (2,)
    assert trace.stochastic_nodes == ["z"]
    assert trace.observation_nodes == []
    assert torch.equal(trace.log_prob_sum(), trace.nodes["z"]["log_prob"])
    assert square["infer"] == {"_deterministic": True}


def test_options_of_a_site_are_those_of_the_program():
    def model():
        virgil.factor("f", 1.0)
        mask = torch.tensor([True, False])
        virgil.sample("x", STANDARD.expand([2]), obs=torch.zeros(2), obs_mask=mask, infer={"own": 1})

    nodes = _trace(model).nodes
    assert nodes["f"].infer == {"is_auxiliary": True}
    assert nodes["x_unobserved"].infer == {"own": 1}
    assert torch.equal(nodes["x_unobserved"].latent_slots, torch.tensor([False, True]))
    assert nodes["x_observed"].latent_slots is None


def test_a_factor_is_one_however_it_is_stated():
    def model():
        with virgil.plate("data", 2):
            virgil.factor("f", 1.0)
            virgil.sample("by hand", dist.Unit(torch.tensor(1.0)), obs=torch.empty(0))
            virgil.sample("x", STANDARD, obs=torch.zeros(2))
        virgil.deterministic("d", torch.tensor(1.0))

    nodes = _trace(model).nodes
    assert [name for name, site in nodes.items() if site.is_factor] == ["f", "by hand"]


def test_factor_adds_to_the_density():
    def model():
        virgil.factor("number", 2.5)
        virgil.factor("scalar", torch.tensor(-1.0))
        with virgil.plate("data", 4, subsample_size=2):
            virgil.factor("each", torch.tensor([1.0, 3.0]))
            with poutine.scale(scale=0.5):
                virgil.factor("spread", torch.tensor(2.0))

    trace = _trace(model)
    assert trace.log_prob_sum() == 2.5 - 1.0 + 2 * (1.0 + 3.0) + 2 * 0.5 * 2 * 2.0
    assert trace.observation_nodes == ["number", "scalar", "each", "spread"]


@pytest.mark.parametrize("has_rsample", [True, False])
def test_factor_of_a_guide_is_auxiliary(has_rsample):
    site = _trace(lambda: virgil.factor("f", torch.tensor(1.0), has_rsample=has_rsample)).nodes["f"]
    assert not site["is_observed"]
    assert site["infer"]["is_auxiliary"]
    assert site["fn"].has_rsample is has_rsample
    assert site["log_prob"] == 1.0


# others


def test_former_names_work_and_warn():
    with pytest.warns(DeprecationWarning, match=r"iarange is the former name of plate\. Write plate"):
        plate = virgil.iarange("data", 4, subsample_size=2)
    with plate:
        assert virgil.sample("x", STANDARD).shape == (2,)
    with pytest.warns(DeprecationWarning, match=r"irange is the former name of plate\. Write plate"):
        assert list(virgil.irange("rounds", 3)) == [0, 1, 2]


def test_barrier_gives_back_what_it_got():
    data = {"x": torch.ones(2)}
    assert virgil.barrier(data) is data
