"""Programs under a default dtype of float64, and with parameters of bfloat16: steps, runs, checks, predictions."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import AutoDiagonalNormal, AutoMultivariateNormal


@pytest.fixture(autouse=True)
def _float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def model():
    z = virgil.sample("z", dist.MultivariateNormal(torch.zeros(2), scale_tril=torch.eye(2)))
    virgil.sample("x", dist.Normal(z.sum(-1), 1.0), obs=torch.tensor(1.0))


def guide():
    scale = virgil.param("s", torch.tensor(0.5), constraint=dist.constraints.positive)
    virgil.sample("z", dist.MultivariateNormal(virgil.param("l", torch.zeros(2)), scale_tril=torch.eye(2) * scale))


def fit_of(loss=None, the_guide=guide, **options):
    svi = SVI(model, the_guide, virgil.optim.Adam({"lr": 0.01}), loss or Trace_ELBO())
    return svi.run(20, progress=False, **options)


@pytest.mark.parametrize("engine", ["eager", "auto", "xla"])
@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO])
def test_every_engine_takes_its_steps(engine, objective):
    fit = fit_of(objective(strict_enumeration_warning=False), engine=engine)
    assert fit.losses.dtype == fit.params["l"].dtype == torch.float64
    assert {name: norms.shape for name, norms in fit.gradient_norms.items()} == {"s": (20,), "l": (20,)}
    assert all((norms > 0).all() for norms in fit.gradient_norms.values())


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_fit_is_checked(engine):
    """The evidence is known: x is normal with variance 3."""
    the_guide = AutoMultivariateNormal(model)
    svi = SVI(model, the_guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO(num_particles=4))
    check = svi.run(600, progress=False, engine=engine).check(steps=50)
    exact = torch.distributions.Normal(0.0, 3**0.5).log_prob(torch.tensor(1.0)).item()
    assert check.weights.is_usable
    assert abs(check.weights.evidence - exact) < 5 * check.weights.evidence_error + 1e-3
    assert the_guide.median()["z"].dtype == torch.float64


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_restarts_particles_and_averages(engine):
    fit = fit_of(Trace_ELBO(num_particles=3), AutoDiagonalNormal(model), engine=engine, restarts=3, average=5)
    assert fit.losses.isfinite().all()
    assert len(fit.restarts) == 3


@pytest.mark.parametrize("parallel", [False, True])
def test_predictions(parallel):
    fit_of()
    drawn = Predictive(model, guide=guide, num_samples=10, parallel=parallel)()
    assert drawn["z"].dtype == torch.float64
    assert drawn["z"].shape == (10, 2)


@pytest.mark.parametrize("options", [{}, {"average": 3}, {"restarts": 2}], ids=["alone", "average", "restarts"])
@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_parameters_of_bfloat16(engine, options):
    torch.set_default_dtype(torch.float32)

    def half_guide():
        loc = virgil.param("l", lambda: torch.randn(2).bfloat16())
        virgil.sample("z", dist.Normal(loc.float(), 1.0).to_event(1))

    fit = fit_of(the_guide=half_guide, engine=engine, **options)
    assert fit.losses.isfinite().all()
    assert fit.params["l"].dtype == torch.bfloat16
    assert (fit.gradient_norms["l"] > 0).all()
