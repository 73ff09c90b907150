"""The guide of a model without latent variables is empty, and its bound is the log-likelihood."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.laws.test_autoguides import FAMILIES
from virgil.errors import ArgumentError
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoGuideList, AutoNormal
from virgil.poutine import block

X = torch.tensor([1.0, -0.5])


def regression(data):
    loc = virgil.param("loc", torch.tensor(0.5))
    with virgil.plate("data", 2):
        virgil.sample("x", dist.Normal(loc, 1.0), obs=data)


def fixed(data):
    with virgil.plate("data", 2):
        virgil.sample("x", dist.Normal(0.5, 1.0), obs=data)


def _svi(model, guide, objective=Trace_ELBO):
    options = {"strict_enumeration_warning": False} if objective is TraceEnum_ELBO else {}
    return SVI(model, guide, virgil.optim.SGD({"lr": 0.1}), objective(**options))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO])
@pytest.mark.parametrize("model", [regression, fixed])
def test_a_step_has_the_log_likelihood(family, objective, model):
    """Of normals with mean 0.5; the gradient of the mean is the sum of the residuals, -0.5."""
    svi = _svi(model, family(model), objective)
    assert svi.step(X) == pytest.approx(-float(dist.Normal(0.5, 1.0).log_prob(X).sum()))
    if model is regression:
        assert virgil.param("loc").item() == pytest.approx(0.5 - 0.1 * 0.5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("model", [regression, fixed])
def test_a_run_goes_on_without_parameters_of_the_guide(family, model):
    fit = _svi(model, family(model)).run(50, X, engine="eager")
    loc = 0.25 if model is regression else 0.5
    assert float(fit.losses[-1]) == pytest.approx(-float(dist.Normal(loc, 1.0).log_prob(X).sum()), abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_that_is_asked_of_it_is_empty(family):
    guide = family(regression)
    assert guide(X) == guide.median(X) == guide.sample_posterior(X) == {}
    assert list(guide.parameters()) == []
    assert guide.latents == ()
    if family is not AutoDelta:  # a point has none
        assert guide.quantiles([0.05, 0.95], X) == {}
    draws = Predictive(regression, guide=guide, num_samples=4)(None)
    assert {name: draw.shape for name, draw in draws.items()} == {"x": (4, 2)}
    assert Predictive(regression, guide=guide, num_samples=4, return_sites=["x"], parallel=True)(X)["x"].shape == (4, 2)
    assert not virgil.explain(regression, family(regression), X).errors


def test_a_part_of_a_list_may_be_empty():
    def model():
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=X[0])

    guide = AutoGuideList(model)
    guide.append(AutoNormal(block(model, expose=["x"]))).append(AutoNormal(block(model, expose=["z"])))
    assert list(guide()) == list(guide.median()) == ["z"]


def test_there_is_no_vector():
    guide = AutoDiagonalNormal(fixed)
    with pytest.raises(ArgumentError, match="AutoDiagonalNormal has no vector to draw, since its model has no latent"):
        guide.get_posterior(X)
    assert guide.latent_dim == 0
