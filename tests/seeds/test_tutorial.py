"""The tutorial's two blocks, and what its text says of models and guides."""

from __future__ import annotations

import pytest
import torch

import virgil as pyro
import virgil.distributions as dist
from virgil.errors import MismatchError, VirgilError
from virgil.infer import SVI, Trace_ELBO


# In [1] and In [2]; the tutorial leaves the distributions open, and nothing needs an observation
def model():

    pyro.sample("z_1", dist.Normal(0.0, 1.0))


def guide():

    pyro.sample("z_1", dist.StudentT(3.0, 0.5, 1.0))


def step(model, guide, *args, **kwargs):
    return SVI(model, guide, pyro.optim.Adam({"lr": 0.01}), Trace_ELBO()).step(*args, **kwargs)


def test_the_distributions_may_differ_and_the_names_line_up():
    assert torch.isfinite(torch.tensor(step(model, guide)))


def test_the_blocks_as_they_stand_have_no_distribution():
    with pytest.raises(VirgilError, match="'z_1'"):
        pyro.sample("z_1", ...)


def test_names_that_do_not_line_up_are_an_error_that_names_both():
    def misnamed():
        pyro.sample("z_2", dist.Normal(0.0, 1.0))

    with pytest.raises(MismatchError, match="'z_2' is in the guide but not in the model.*'z_1'"):
        step(model, misnamed)


def test_a_guide_without_a_site_is_an_error():
    with pytest.raises(MismatchError, match="'z_1'"):
        step(model, lambda: None)


def test_observed_data_in_the_guide_is_an_error():
    def observing():
        pyro.sample("z_1", dist.Normal(0.0, 1.0), obs=torch.tensor(0.0))

    with pytest.raises(MismatchError, match="'z_1' is observed in the guide"):
        step(model, observing)


def test_both_have_the_same_call_signature():
    with pytest.raises(MismatchError, match="cannot be called with 1 positional argument"):
        step(lambda data: model(), guide, torch.ones(3))


def test_the_model_takes_arguments_of_both_kinds():
    def of(program):
        return lambda *args, **kwargs: program()

    assert torch.isfinite(torch.tensor(step(of(model), of(guide), torch.ones(3), weight=1.0)))


def test_observation_latent_variable_and_parameter_are_its_three_statements():
    def full(data):
        theta = pyro.param("theta", torch.tensor(0.5))
        z = pyro.sample("z", dist.Normal(theta, 1.0))
        pyro.sample("x", dist.Normal(z, 1.0), obs=data)

    nodes = pyro.poutine.trace(full).get_trace(torch.tensor(2.0)).nodes
    assert nodes["theta"]["type"] == "param"
    assert not nodes["z"]["is_observed"]
    assert nodes["x"]["is_observed"]
    # p(x, z) = p(x | z) p(z)
    z = nodes["z"]["value"]
    expected = torch.distributions.Normal(z, 1.0).log_prob(torch.tensor(2.0))
    expected = expected + torch.distributions.Normal(0.5, 1.0).log_prob(z)
    torch.testing.assert_close(sum(nodes[name]["fn"].log_prob(nodes[name]["value"]) for name in ("z", "x")), expected)
