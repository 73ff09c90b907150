"""Whether a run has arrived: what helps is named, and an unfinished run is not the guide's fault."""

import math

import pytest
import torch

import virgil
from tests.infer.trust.programs import DATA, RUNS, conjugate, correlated, fitted, posterior_guide
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoMultivariateNormal, AutoNormal

runs = pytest.mark.parametrize(("engine", "seed"), RUNS)
MODELS = [(conjugate, AutoNormal, (DATA,)), (correlated, AutoMultivariateNormal, ())]


@pytest.mark.long
@runs
@pytest.mark.parametrize(("model", "family", "args"), MODELS)
@pytest.mark.parametrize(
    ("lr", "steps", "advice"),
    [
        (0.02, 1000, {None}),
        (0.02, 10, {"more steps"}),
        (1.0, 300, {"a smaller rate", "more steps, then a smaller rate"}),  # the latter after an unlucky last step
    ],
)
def test_what_helps_is_named(model, family, args, engine, seed, lr, steps, advice):
    virgil.set_rng_seed(seed)
    check = fitted(model, family(model), *args, lr=lr, steps=steps, engine=engine).check(modes=False)
    assert check.convergence.advice in advice, check.summary()
    assert (check.verdict.trusts == "later") == (None not in advice)


def test_the_excess_of_a_fit_is_its_divergence_from_where_steps_lead():
    """The guide is off by ``shift`` deviations in the mean, so that its loss is ``shift ** 2 / 2`` too high."""
    shift = 0.8
    optim = virgil.optim.Adam({"lr": 0.02})
    fit = SVI(conjugate, posterior_guide(shift), optim, Trace_ELBO(num_particles=10)).run(1, DATA, progress=False)
    found = fit.check(modes=False, draws=100).convergence
    moved = shift - 0.02  # Adam's first step
    assert abs(found.excess.value - moved**2 / 2) < 5 * found.excess.error + 0.01
    assert found.is_under_way


@pytest.mark.long
@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_an_average_over_noisy_steps_is_accepted(engine):
    virgil.set_rng_seed(1)
    options = {"lr": 0.3, "steps": 3000, "particles": 1, "engine": engine}
    noisy = fitted(conjugate, AutoNormal(conjugate), DATA, **options).check(modes=False)
    assert noisy.convergence.advice == "a smaller rate"
    virgil.clear_param_store()
    averaged = fitted(conjugate, AutoNormal(conjugate), DATA, average=2500, **options).check(modes=False)
    assert averaged.convergence.advice is None
    assert averaged.convergence.jitter.exceeds(0.05)


def test_a_rate_that_has_fallen_too_early_is_named():
    options = {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.01}, "gamma": 0.9}
    svi = SVI(conjugate, AutoNormal(conjugate), virgil.optim.ExponentialLR(options), Trace_ELBO())
    check = svi.run(200, DATA, progress=False).check(modes=False)
    assert check.convergence.advice == "more steps at a larger rate"
    assert check.convergence.decayed < 1e-8
    assert "Let the rate fall later" in str(check.verdict)


def test_the_signal_of_a_gradient_without_noise_is_infinite():
    def guide(data):
        virgil.sample("mu", virgil.distributions.Delta(virgil.param("loc", torch.tensor(5.0))))

    found = fitted(conjugate, guide, DATA, steps=3).check(modes=False).convergence
    assert found.signal == math.inf
    assert found.drift.value > 0


def test_steps_that_leave_the_numbers_are_told():
    def model(data):
        loc = virgil.param("loc", torch.tensor(0.0))
        climbs = virgil.param("climbs", torch.tensor(1.0))
        virgil.sample("x", virgil.distributions.Normal(loc, 1.0).expand(data.shape).to_event(1), obs=data)
        virgil.factor("wall", climbs + 1e-6 * (2 - climbs).log())  # a step of 0.1 goes through the wall at 2

    check = fitted(model, lambda data: None, DATA, lr=0.1, steps=3).check()
    assert check.convergence.failed
    assert "NaN or infinity" in str(check.verdict)
