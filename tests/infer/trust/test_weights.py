"""Importance weights: Pareto shapes, evidence, moments and resampling against closed forms."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.trust.programs import (
    DATA,
    MEAN,
    RHO,
    SD,
    conjugate,
    correlated,
    independent,
    log_evidence,
    posterior_guide,
    standing,
)
from virgil.distributions import constraints
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.trust.draws import draws
from virgil.infer.trust.moments import moments
from virgil.infer.trust.weights import importance, pareto_shape, threshold, tied


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9, 1.5])
def test_the_shape_of_pareto_weights_is_found(shape):
    """``exp(shape * e)`` of an exponential draw is a Pareto variable of this shape."""
    num = 100_000
    _, found = pareto_shape(shape * torch.empty(num).exponential_(), 1.0)
    tail = 3 * math.sqrt(num)
    # 5 standard errors, one in two million, and the estimate's pull towards 0.5, of the weight of ten draws
    assert abs(float(found) - shape) < 5 * (1 + shape) / math.sqrt(tail) + 10 * abs(shape - 0.5) / tail


def test_equal_weights_have_no_tail():
    smoothed, shapes = pareto_shape(torch.stack([torch.zeros(200), torch.empty(200).exponential_()]), 1.0)
    assert shapes[0] == 0.0
    assert shapes[1] != 0.0
    assert smoothed[0] == pytest.approx(-math.log(200))


@pytest.mark.parametrize(("num", "bound"), [(100, 0.5), (1000, 2 / 3), (10_000, 0.7), (10**6, 0.7)])
def test_the_threshold_grows_with_the_draws_up_to_seven_tenths(num, bound):
    assert threshold(num) == pytest.approx(bound)


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1.0), (0.3, 1.0), (0.0, 1.3), (0.5, 1.5)])
def test_evidence_and_moments_are_those_of_the_posterior(shift, factor):
    fit = standing(conjugate, posterior_guide(shift, factor), DATA)
    drawn = draws(fit, 20_000)
    weights = importance(drawn.log_p, drawn.log_q)
    assert weights.is_usable
    assert abs(weights.evidence - log_evidence(DATA)) < 5 * weights.evidence_error + 1e-4
    # KL(q || p) of two normals
    gap = -math.log(factor) + (factor**2 + shift**2 - 1) / 2
    assert abs(weights.gap - gap) < 5 * math.hypot(weights.evidence_error, weights.elbo_error) + 1e-4
    moved = moments(drawn.values["mu"], weights.log_weights)
    assert abs(moved.shift + shift) < 5 * moved.shift_error + 1e-4
    assert abs(moved.ratio - factor) < 5 * moved.ratio_error + 1e-4


def test_resampled_draws_are_those_of_the_posterior():
    check = standing(conjugate, posterior_guide(0.5, 1.3), DATA).check(steps=0, modes=False)
    drawn = check.draws(4000)["mu"]
    assert drawn.shape == (4000,)
    assert abs(drawn.mean().item() - MEAN) < 5 * SD / math.sqrt(min(4000, check.weights.effective) / 2)
    assert abs(drawn.std().item() / SD - 1) < 5 / math.sqrt(min(4000, check.weights.effective))


def test_the_shape_of_a_mean_field_guide_is_the_correlation():
    """The weights are ``exp(u' A u / 2)`` of a standard normal ``u`` where ``A`` has the eigenvalues ``rho, -rho``.

    The tail has index ``1 / rho``, and the local index ``1 / rho + 1 / (2 log t)`` at a weight ``t``; with a million
    draws the largest 3,000 begin at ``log t = 4``, so that shapes from 0.85 are met there: 4.5 standard errors above
    0.7, and 5 below 1.1.
    """
    drawn = draws(standing(correlated, independent), 1_000_000)
    weights = importance(drawn.log_p, drawn.log_q)
    assert 0.7 < weights.k_hat < 1.1
    assert abs(weights.k_hat - RHO) < 0.25
    assert not weights.is_usable


@pytest.mark.parametrize("scale", [60.0, 200.0, 300.0, 1000.0, 1e5])
@pytest.mark.parametrize("num", [100, 1000, 10_000])
def test_log_weights_that_are_spread_over_hundreds_of_nats_are_not_usable(scale, num):
    """Their tail's shape is about a third of the scale, and the few largest have all the weight."""
    raw = scale * torch.randn(num, dtype=torch.float64)
    weights = importance(raw, torch.zeros(num, dtype=torch.float64))
    assert not weights.is_usable
    assert weights.k_hat > 1
    assert weights.log_weights.exp().sum().item() == pytest.approx(1.0)
    assert weights.evidence == pytest.approx((raw.logsumexp(0) - math.log(num)).item())


def test_the_shape_grows_with_the_spread_of_normal_log_weights():
    """Beyond a quantile ``z`` a normal draw exceeds it by ``phi(z) / (1 - Phi(z)) - z`` in the mean.

    Of 949 draws the mean excess has a standard error of 3.3 %; 5 of them and the quantile's own are 25 %.
    """
    standard, tail = torch.randn(100_000, dtype=torch.float64), 3 * math.sqrt(100_000)
    normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    z = normal.icdf(torch.tensor(1 - tail / 100_000, dtype=torch.float64))
    excess = float(normal.log_prob(z).exp() * 100_000 / tail - z)
    for scale in (40.0, 100.0, 1000.0):
        _, found = pareto_shape(scale * standard, 1.0)
        assert float(found) == pytest.approx(scale * excess, rel=0.25)


def test_draws_of_a_hopeless_guide_are_refused_with_the_reason():
    def model():
        virgil.sample("z", dist.Normal(torch.zeros(2), 1e-3).to_event(1))

    def guide():
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.zeros(2)), 1.0).to_event(1))

    check = standing(model, guide).check(steps=0, modes=False)
    assert not check.weights.is_usable
    with pytest.raises(ArgumentError, match="Weighted draws are no better than the guide's: k-hat"):
        check.draws(10)


def test_what_does_not_vary_has_no_moments():
    values, log_weights = torch.randn(200, 2), torch.full((200,), -math.log(200))
    values[:, 0] = 3.0
    assert moments(values, log_weights) == moments(values[:, 1:], log_weights)
    assert moments(values[:, :1], log_weights) is None


def test_too_few_draws_are_refused():
    with pytest.raises(ArgumentError, match="takes 100 or more"):
        importance(torch.zeros(50), torch.zeros(50))


def test_weights_that_are_no_numbers_are_refused():
    with pytest.raises(ArgumentError, match="NaN"):
        importance(torch.full((200,), math.nan), torch.zeros(200))


def test_weights_of_few_values_have_no_shape_and_stay_as_they_are():
    few = torch.tensor([0.0, 1.0, 2.0]).double().repeat_interleave(torch.tensor([700, 250, 50]))
    smoothed, shape = pareto_shape(few, 1.0)
    assert bool(tied(few, 1.0))
    assert math.isnan(shape)
    torch.testing.assert_close(torch.from_numpy(smoothed), few.log_softmax(-1))
    rows = torch.stack([few, torch.randn(1000, dtype=torch.float64), torch.zeros(1000, dtype=torch.float64)])
    assert tied(rows, 1.0).tolist() == [True, False, False]


def test_a_check_of_a_discrete_guide_says_why_it_has_no_weights():
    def model():
        number = virgil.sample("n", dist.Poisson(4.0))
        virgil.sample("x", dist.Normal(number, 1.0), obs=torch.tensor(3.0))

    def guide():
        virgil.sample("n", dist.Poisson(virgil.param("rate", torch.tensor(3.0), constraint=constraints.positive)))

    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), Trace_ELBO(num_particles=10))
    check = svi.run(50, progress=False, engine="eager").check(steps=0)
    assert check.weights is None
    assert "discrete variables give so many draws the same weight" in str(check.verdict)
    assert "no shape to fit" in check.summary()
