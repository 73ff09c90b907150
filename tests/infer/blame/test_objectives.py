"""The site at fault is named whichever objective, and way of stepping, meets it."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.blame.ways import ONE, WAYS, ZERO, guide, observed, sampled
from virgil.engine.operators.noise import is_random
from virgil.engine.xla import lowerings  # noqa: F401 - registers them
from virgil.engine.xla.registry import LOWERINGS
from virgil.errors import NonFiniteError
from virgil.infer import (
    SVI,
    JitTrace_ELBO,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceMeanField_ELBO,
    config_enumerate,
)


def root(x, z):
    observed(z + (virgil.param("w", ONE) * x).abs().sqrt())


def summed(x):
    """Sums ``k`` out."""
    z = sampled()
    k = virgil.sample("k", dist.Bernoulli(0.3), infer={"enumerate": "parallel"})
    observed(z + k + x.log())


def chosen_model(x):
    k = virgil.sample("k", dist.Bernoulli(0.3))
    observed(sampled() + k + x.log())


def chosen_guide(x):
    guide(x)
    p = virgil.param("p", 0.5 * ONE, constraint=dist.constraints.unit_interval)
    virgil.sample("k", dist.Bernoulli(p), infer={"enumerate": "sequential"})


def plain(x):
    observed(sampled() + x.log())


def indexed_guide(x):
    virgil.sample("w", dist.Normal(virgil.param("loc", torch.zeros(2)), 1.0).to_event(1))


def indexed(x):
    w = virgil.sample("w", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    observed(w[0] + x.log())


CASES = {
    "particles seen alone": (indexed, indexed_guide, lambda: Trace_ELBO(num_particles=3, vectorize_particles=True)),
    "particles at once": (plain, guide, lambda: Trace_ELBO(num_particles=3, vectorize_particles=True)),
    "particles one by one": (plain, guide, lambda: Trace_ELBO(num_particles=3, vectorize_particles=False)),
    "mean field": (plain, guide, TraceMeanField_ELBO),
    "summed out": (summed, guide, TraceEnum_ELBO),
    "enumerated in the guide": (chosen_model, config_enumerate(chosen_guide, default="parallel"), TraceEnum_ELBO),
    "one value after another": (chosen_model, chosen_guide, TraceEnum_ELBO),
    "a function": (plain, guide, lambda: lambda *args: Trace_ELBO().differentiable_loss(*args)),
    "compiled steps": (plain, guide, JitTrace_ELBO),
}


@pytest.mark.parametrize(("model", "guide", "objective"), CASES.values(), ids=CASES)
def test_the_site_and_the_operation_are_named(model, guide, objective):
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective())
    for _ in range(2):
        svi.step(ONE)
    before = {name: value.detach().clone() for name, value in virgil.get_param_store().items()}
    with pytest.raises(NonFiniteError, match=r"argument 'loc' of Normal is infinite") as caught:
        svi.step(ZERO)
    assert caught.value.site == "y"
    assert "log(0)" in str(caught.value)
    assert all(torch.equal(virgil.param(name), value) for name, value in before.items())
    assert torch.isfinite(torch.tensor(svi.step(ONE)))


def rare(x):
    """NaN for one draw in a thousand, so that other noise would hardly show it again."""
    z = sampled()
    virgil.factor("rare", torch.where(z.abs() > 3.29, torch.nan, 0.0))


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_draw_that_goes_wrong_is_found_again(engine):
    def fixed(x):
        virgil.sample("z", dist.Normal(virgil.param("loc", ZERO), 1.0))

    torch.manual_seed(5)
    svi = SVI(rare, fixed, virgil.optim.Adam({"lr": 1e-6}), Trace_ELBO())
    with pytest.raises(NonFiniteError) as caught:
        svi.run(20_000, ONE, engine=engine, progress=False)  # that all are well has a chance of e^-20
    assert caught.value.site == "rare"
    assert "argument 'log_factor' of Unit is NaN" in str(caught.value)


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_restart_that_fails_says_why(engine):
    def model():
        z = virgil.sample("z", dist.Normal(0.0, 100.0))
        virgil.factor("climb", torch.where(z < 5, torch.relu(z), torch.inf))

    def point():
        virgil.sample("z", dist.Delta(virgil.param("loc", lambda: 12 * torch.rand(()) - 6)))

    virgil.param("loc", torch.tensor(-3.0))
    torch.manual_seed(0)
    svi = SVI(model, point, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    fit = svi.run(200, engine=engine, restarts=8, progress=False)
    failures = [each.failure for each in fit.restarts if each.failure is not None]
    assert failures
    assert all("at site 'climb' of the model" in each and "as they were before step" in each for each in failures)


def test_every_operator_that_draws_is_known_as_random():
    """Else an eager step would not draw the numbers of a captured one."""
    assert all(is_random(operator) for operator, lowering in LOWERINGS.items() if lowering.draws)


def test_a_finite_step_is_not_blamed():
    way = WAYS["log of zero"]
    model, guide = way.program()
    svi = SVI(model, guide, way.optim(), way.objective())
    svi.step(way.good)
    assert svi.session.eager.explained((way.good,), {}, torch.no_grad).site is None
