"""Predictions under the alias: a dim for each plate of the model."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import Predictive
from pyro.infer.autoguide import AutoNormal

from virgil.errors import FitWarning


def model(data=None):
    mu = pyro.sample("mu", dist.Normal(0.0, 1.0))
    w = pyro.sample("w", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    pyro.deterministic("double", mu * 2)
    pyro.deterministic("vector", w * 2, event_dim=1)
    with pyro.plate("columns", 3, dim=-1):
        z = pyro.sample("z", dist.Normal(mu, 1.0))
        with pyro.plate("rows", 4, dim=-2):
            x = pyro.sample("x", dist.Normal(z, 1.0), obs=data)
            pyro.deterministic("next", x + 1)
    return x


LATENT = {"mu": (5, 1, 1), "w": (5, 1, 1, 2), "z": (5, 1, 3)}
REST = {"double": (5, 1, 1), "vector": (5, 1, 1, 2), "x": (5, 4, 3), "next": (5, 4, 3)}


def shapes(samples):
    return {name: tuple(value.shape) for name, value in samples.items()}


@pytest.mark.parametrize("parallel", [False, True])
def test_draws_of_the_prior_and_of_a_guide(parallel):
    guide = AutoNormal(model)
    for options in ({}, {"guide": guide}):
        found = Predictive(model, num_samples=5, parallel=parallel, **options)()
        assert shapes(found) == LATENT | REST
        assert torch.equal(found["double"], 2 * found["mu"])
        assert torch.equal(found["next"], found["x"] + 1)


@pytest.mark.parametrize("parallel", [False, True])
def test_samples_are_taken_with_the_dims_and_without(parallel):
    padded = Predictive(model, num_samples=5, return_sites=list(LATENT))()
    plain = {"mu": padded["mu"].reshape(5), "w": padded["w"].reshape(5, 2), "z": padded["z"].reshape(5, 3)}
    for given in (padded, plain):
        predictive = Predictive(model, given, parallel=parallel, return_sites=[*LATENT, *REST, "_RETURN"])
        found = predictive()
        assert shapes(found) == {**LATENT, **REST, "_RETURN": (5, 4, 3)}
        for name, value in padded.items():
            assert torch.equal(found[name], value)
        assert torch.equal(found["double"], 2 * padded["mu"])
        assert set(Predictive(model, given, parallel=parallel)()) == set(REST)


def test_what_the_model_returns_has_its_own_shape():
    def returning():
        mu = pyro.sample("mu", dist.Normal(0.0, 1.0))
        with pyro.plate("data", 3):
            pyro.sample("x", dist.Normal(mu, 1.0))
        return mu

    found = Predictive(returning, num_samples=5, return_sites=("mu", "_RETURN"))()
    assert shapes(found) == {"mu": (5, 1), "_RETURN": (5,)}
    assert torch.equal(found["mu"][:, 0], found["_RETURN"])


def test_a_plate_on_the_left_counts_the_dims_on_its_right():
    def left():
        with pyro.plate("rows", 3, dim=-2):
            pyro.sample("a", dist.Normal(0.0, 1.0))
        pyro.sample("b", dist.Normal(0.0, 1.0))

    assert shapes(Predictive(left, num_samples=5)()) == {"a": (5, 3, 1), "b": (5, 1, 1)}


def test_old_methods():
    predictive = Predictive(model, num_samples=5)
    pyro.set_rng_seed(1)
    by_name = predictive.get_samples()
    pyro.set_rng_seed(1)
    in_a_row = predictive.call()
    assert isinstance(in_a_row, tuple)
    assert all(map(torch.equal, in_a_row, by_name.values()))


def test_one_execution_with_all_draws():
    trace = Predictive(model, num_samples=5, guide=AutoNormal(model)).get_vectorized_trace()
    found = {name: tuple(site["value"].shape) for name, site in trace.nodes.items() if name in LATENT | REST}
    assert found == LATENT | REST
    assert torch.equal(trace.nodes["double"]["value"], 2 * trace.nodes["mu"]["value"])


def test_more_draws_are_asked_for_than_there_are_samples():
    with pytest.warns(UserWarning, match=r"got num_samples=3, but posterior_samples holds 5 draws"):
        predictive = Predictive(model, {"mu": torch.zeros(5)}, num_samples=3)
    assert predictive()["x"].shape == (5, 4, 3)


def test_a_name_that_no_site_has_is_left_out_with_a_warning():
    predictive = Predictive(model, num_samples=2, return_sites=["mu", "vectors"])
    with pytest.warns(
        FitWarning, match=r"got .vectors. in return_sites, but no site has such a name.*Did you mean .vector."
    ):
        found = predictive()
    assert list(found) == ["mu"]
    assert list(predictive()) == ["mu"]  # and is said once
