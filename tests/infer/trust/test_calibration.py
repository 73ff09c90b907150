"""Calibration by simulation: exact guides pass, moved ones are biased, narrow ones are not calibrated."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.trust.programs import DATA, conjugate, posterior_guide, standing
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoDelta, AutoNormal

pytestmark = pytest.mark.long


engines = pytest.mark.parametrize("engine", ["eager", "xla"])

ALARM = 1e-4  # a test of an exact guide fails so often


@pytest.mark.parametrize(
    ("shift", "factor", "is_biased", "is_misfitting"),
    [(0.0, 1.0, False, False), (0.8, 1.0, True, True), (-0.8, 1.0, True, True), (0.0, 0.4, False, True)],
)
def test_exact_guides_pass_and_others_are_found(shift, factor, is_biased, is_misfitting):
    fit = standing(conjugate, posterior_guide(shift, factor), DATA)
    (site,) = fit.check(steps=0, modes=False, draws=100, calibration=200).calibration.sites
    assert (site.bias_p < ALARM) == is_biased
    assert (site.uniform_p < ALARM) == is_misfitting
    if is_biased:
        assert (site.mean < 0.5) == (shift > 0)  # the truth lies below draws that are too high
    if factor < 1:
        assert site.spread > 1.3


@engines
def test_guides_are_fitted_anew_to_each_data_set(engine):
    svi = SVI(conjugate, AutoNormal(conjugate), virgil.optim.Adam({"lr": 0.1}), Trace_ELBO(num_particles=5))
    fit = svi.run(200, DATA, engine=engine, progress=False)
    captures = svi.session.compiled("xla").captures
    found = fit.check(steps=0, modes=False, draws=100, calibration=20).calibration
    assert found.probabilities["mu"].shape == (20,)
    assert found.failed == 0
    (site,) = found.sites
    assert site.bias_p > ALARM
    assert site.uniform_p > ALARM
    assert svi.session.compiled("xla").captures == captures  # the run's own step has served


def test_a_biased_guide_is_not_trusted():
    fit = standing(conjugate, posterior_guide(0.2), DATA)
    check = fit.check(steps=0, modes=False)
    assert check.verdict.trusts == "weighted draws"  # a fifth of a deviation is beyond a tenth
    check = standing(conjugate, posterior_guide(0.8), DATA).check(steps=0, modes=False, calibration=100)
    assert check.calibration.biased == ("mu",)
    assert "calibration finds 'mu' off to one side" in str(check.verdict)


def closed_over():
    virgil.sample("x", dist.Normal(virgil.sample("mu", dist.Normal(0.0, 2.0)), 1.0).expand([5]).to_event(1), obs=DATA)


def with_a_factor(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    virgil.factor("x", -((mu - data) ** 2).sum())


@pytest.mark.parametrize(
    ("model", "family", "args", "message"),
    [
        (closed_over, AutoNormal, (), "the data of site 'x' are no argument of the model"),
        (with_a_factor, AutoNormal, (DATA,), "site 'x', a factor, cannot be simulated"),
        (conjugate, AutoDelta, (DATA,), "a point at 'mu'"),
    ],
)
def test_models_that_cannot_be_simulated_are_named(model, family, args, message):
    svi = SVI(model, family(model), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
    with pytest.raises(ArgumentError, match=message):
        svi.run(3, *args, engine="eager", progress=False).check(steps=0, modes=False, calibration=20)


def test_subsampled_data_are_simulated_whole():
    def model(data):
        mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
        with virgil.plate("data", len(data), subsample_size=2) as indices:
            virgil.sample("x", dist.Normal(mu, 1.0), obs=data[indices])

    fit = standing(model, posterior_guide(), DATA)
    (site,) = fit.check(steps=0, modes=False, draws=100, calibration=100).calibration.sites
    assert site.bias_p > ALARM
    assert site.uniform_p > ALARM
    assert torch.isfinite(torch.tensor(site.spread))
