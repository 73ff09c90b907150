"""Every gradient estimator is unbiased: over 10,000 draws or more, loss and gradient have the exact ones as means."""

from dataclasses import replace

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.exact.continuous import CONTINUOUS
from tests.exact.discrete import DISCRETE
from tests.exact.discrete_plates import NESTED
from tests.exact.estimates import check, check_looped, estimates, exact_gradient
from virgil.infer import Trace_ELBO, TraceMeanField_ELBO

CASES = {**CONTINUOUS, **DISCRETE, **NESTED}


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradient_and_loss_are_unbiased(case):
    check(case)


@pytest.mark.parametrize(
    "name", ["pathwise normal", "mixed, binary first", "inverse guide", "masked", "partly observed"]
)
def test_analytic_divergences_keep_gradient_and_loss_unbiased(name):
    check(CASES[name], TraceMeanField_ELBO)


@pytest.mark.parametrize("name", ["pathwise, mini-batch", "iterated, mini-batch", "scaled", "joined", "plate"])
def test_analytic_divergences_with_plates(name):
    check(CASES[name], TraceMeanField_ELBO)


@pytest.mark.long
@pytest.mark.thorough
def test_looped_particles_are_unbiased():
    case = replace(CASES["mixed, normal first"], batches=2_500, particles=4, options={"vectorize_particles": False})
    check(case)


@pytest.mark.parametrize("name", ["mixed, binary first", "nested", "joined"])
def test_looped_particles_are_the_mean_of_single_ones(name):
    check_looped(CASES[name])


@pytest.mark.parametrize("name", ["pathwise normal", "pathwise gamma"])
def test_analytic_divergence_has_the_exact_value_where_nothing_is_observed(name):
    case = CASES[name]

    def prior():
        virgil.poutine.block(case.model, hide=["x"])()

    ((loss, *gradient),) = estimates(replace(case, model=prior, particles=1), TraceMeanField_ELBO, batches=1)
    leaves = {key: value.requires_grad_(True) for key, value in case.start().items()}
    q = {"pathwise normal": _normal, "pathwise gamma": _gamma}[name](leaves)
    exact = torch.distributions.kl_divergence(*q)
    expected = torch.autograd.grad(exact, list(leaves.values()))
    assert loss == pytest.approx(exact.item(), rel=1e-12)
    assert torch.stack(gradient).tolist() == pytest.approx(torch.stack(expected).tolist(), rel=1e-12)


def _normal(p):
    return torch.distributions.Normal(p["loc"], p["log_scale"].exp()), torch.distributions.Normal(torch.zeros(()), 1.0)


def _gamma(p):
    family = torch.distributions.Gamma
    return family(p["log_shape"].exp(), p["log_rate"].exp()), family(torch.tensor(2.0), 1.0)


SLOTS = 40


def _plated_model():
    with virgil.plate("data", SLOTS):
        z = virgil.sample("z", dist.Bernoulli(0.5))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.ones(()))


def _plated_guide():
    with virgil.plate("data", SLOTS):
        virgil.sample("z", dist.Bernoulli(logits=virgil.param("q_z", torch.full((SLOTS,), 0.3))))


def _joint_model():
    z = virgil.sample("z", dist.Bernoulli(torch.full((SLOTS,), 0.5)).to_event(1))
    virgil.sample("x", dist.Normal(z, 1.0).to_event(1), obs=torch.ones(SLOTS))


def _joint_guide():
    virgil.sample("z", dist.Bernoulli(logits=virgil.param("q_z", torch.full((SLOTS,), 0.3))).to_event(1))


def _variance(model, guide):
    elbo, rows = Trace_ELBO(), []
    with virgil.ParamStore() as store:
        for _ in range(200):
            elbo.loss_and_grads(model, guide)
            rows.append(store.unconstrained("q_z").grad.clone())
            store.unconstrained("q_z").grad = None
    return torch.stack(rows).var(0).mean()


def test_costs_of_other_slots_are_left_out():
    """With 40 slots a slot's score needs its own cost alone; with those of all its variance is tens of times larger."""
    assert _variance(_plated_model, _plated_guide) < _variance(_joint_model, _joint_guide) / 5


def test_the_exact_side_agrees_with_finite_differences():
    """The reference itself: its gradient is the derivative of its loss."""
    for case in CASES.values():
        loss, gradient = exact_gradient(case)
        name = next(iter(case.params))
        nudged = {key: value.clone() for key, value in case.start().items()}
        nudged[name].view(-1)[0] += 1e-6
        assert (case.loss(nudged).item() - loss) / 1e-6 == pytest.approx(gradient[0].item(), abs=1e-4)
