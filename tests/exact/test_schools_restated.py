"""Eight schools, centred, under ``AutoReparam``: the bound is that of the program that is non-centred by hand."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.examples.schools import EFFECTS, ERRORS, model
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.infer.reparam import AutoReparam


def centred(errors, effects=None):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(errors)):
        theta = virgil.sample("theta", dist.Normal(mu, tau))
        virgil.sample("effect", dist.Normal(theta, errors), obs=effects)


def fitted_bound(program, steps=600):
    """The mean of ten estimates of the bound of a fitted guide, and its standard error; nats."""
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    guide = AutoNormal(program)
    optim = virgil.optim.ClippedAdam({"lr": 0.1, "lrd": 0.1 ** (1 / steps)})
    SVI(program, guide, optim, Trace_ELBO(num_particles=16)).run(steps, ERRORS, EFFECTS)
    objective = Trace_ELBO(num_particles=5000)
    bounds = torch.tensor([-objective.loss(program, guide, ERRORS, EFFECTS) for _ in range(10)])
    return bounds.mean().item(), bounds.std().item() / 10**0.5


@pytest.mark.long
def test_the_bound_is_that_of_the_program_non_centred_by_hand():
    """To 6 standard errors; the guides of both are normal in the same coordinates, or in better ones."""
    by_hand, own_error = fitted_bound(model)
    restated, error = fitted_bound(AutoReparam()(centred))
    plain, _ = fitted_bound(centred)
    assert restated > by_hand - 6 * (own_error**2 + error**2) ** 0.5
    assert restated > plain + 2
