"""The objectives that compile single steps: one capture, the same posterior, and eager steps without an engine."""

import warnings

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.run.programs import DATA, guide, model
from virgil.infer import SVI, JitTrace_ELBO, JitTraceEnum_ELBO, JitTraceMeanField_ELBO

# the exact posterior of the mean has precision 1/9 + 10
MEAN, SD = DATA.sum().item() / (10 + 1 / 9), (10 + 1 / 9) ** -0.5


def svi(objective, model=model, guide=guide):
    return SVI(model, guide, virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.998}), objective)


@pytest.mark.parametrize("objective", [JitTrace_ELBO, JitTraceEnum_ELBO, JitTraceMeanField_ELBO])
def test_steps_are_captured_once_and_reach_the_posterior(objective):
    """At the last rate, 0.0025, the error is 0.02 of a deviation (see `tests/graphs/test_posteriors.py`), not 0.15."""
    virgil.set_rng_seed(0)
    fit = svi(objective(num_particles=100, strict_enumeration_warning=False))
    losses = [fit.step(DATA) for _ in range(1500)]
    assert fit.session.compiled("xla").captures == 1
    assert all(isinstance(each, float) for each in losses)
    assert virgil.param("loc").item() == pytest.approx(MEAN, abs=0.15 * SD)
    assert virgil.param("scale").item() == pytest.approx(SD, rel=0.15)


def test_data_of_another_size_is_another_capture():
    fit = svi(JitTrace_ELBO())
    for rows in (10, 7, 10, 7, 7):
        fit.step(DATA[:rows])
        fit.step(DATA[:rows])
    assert fit.session.compiled("xla").captures == 2


def test_without_jax_steps_are_eager_and_that_is_said_once(monkeypatch):
    monkeypatch.setattr("virgil.engine.choice._has_jax", lambda: False)
    fit = svi(JitTrace_ELBO())
    fit.step(DATA)
    with pytest.warns(UserWarning, match="taken eagerly: JAX is not installed"):
        fit.step(DATA)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit.step(DATA) > 0


def test_what_cannot_be_captured_is_stepped_eagerly_and_that_is_said_once():
    def branching(data):
        mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
        scale = 1.0 if mu > 0 else 2.0
        with virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(mu, scale), obs=data)

    fit = svi(JitTrace_ELBO(), branching)
    fit.step(DATA)
    with pytest.warns(UserWarning, match="if mu > 0"):
        fit.step(DATA)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = virgil.param("loc").item()
        fit.step(DATA)
    assert virgil.param("loc").item() != before


def test_the_fall_back_is_silent_where_the_user_wants_that(monkeypatch):
    monkeypatch.setattr("virgil.engine.choice._has_jax", lambda: False)
    fit = svi(JitTrace_ELBO(ignore_jit_warnings=True))
    losses = [fit.step(DATA) for _ in range(3)]
    assert all(loss > 0 for loss in losses)
    assert fit.session.compiled("xla").captures == 0


def test_parameters_set_between_steps_are_where_the_next_begins():
    fit = SVI(model, guide, virgil.optim.SGD({"lr": 0.0}), JitTrace_ELBO())
    fit.step(DATA)
    fit.step(DATA)
    virgil.get_param_store()["loc"] = torch.tensor(50.0)
    virgil.get_param_store()["scale"] = torch.tensor(1e-4)
    near = 0.5 * (50.0 - DATA).square().sum().item()  # the loss is this and what is small beside it
    assert fit.step(DATA) == pytest.approx(near, rel=0.05)
