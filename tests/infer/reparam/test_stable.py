"""Stable variables, made of noise whose density is known.

What is drawn is compared with the characteristic function of the parametrisation S0,
``exp(i loc t - |scale t|^a (1 + i skew sign(t) tan(pi a / 2) (|scale t|^(1 - a) - 1)))`` *(Nolan 2020, definition
1.4)*.
"""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer.reparam import (
    AutoReparam,
    LatentStableReparam,
    LinearHMMReparam,
    LocScaleReparam,
    MinimalReparam,
    StableReparam,
    SymmetricStableReparam,
)

DRAWS = 40_000
T = torch.tensor([0.2, 0.7, 1.5], dtype=torch.float64)


def parameter(*values):
    return torch.tensor(values, dtype=torch.float64)


SKEWED = parameter(0.6, 1.0, 1.0, 1.4, 1.7), parameter(0.5, -0.6, 0.0, -0.9, 0.7)
SCALE, LOC = parameter(1.3, 0.4, 1.0, 0.7, 2.0), parameter(0.5, -0.2, 0.0, 1.0, -1.0)
SKEWED_STABLE = lambda coords="S0": dist.Stable(*SKEWED, SCALE, LOC, coords)  # noqa: E731
SYMMETRIC = lambda: dist.Stable(parameter(0.6, 1.0, 1.4, 1.7, 2.0), 0.0 * SCALE, SCALE, LOC)  # noqa: E731


def characteristic(fn):
    """Logarithm of the modulus, and argument, at ``T``. Shape: ``(3, 5)``."""
    alpha, beta, t = fn.stability, fn.skew, T.unsqueeze(-1)
    size = fn.scale * t
    tangent = torch.tan(math.pi / 2 * torch.where(alpha == 1, 0.5, alpha))
    bent = torch.where(alpha == 1, 2 / math.pi * size.log(), tangent * (size ** (1 - alpha) - 1))
    return -(size**alpha), fn.loc * t - size**alpha * beta * bent


def drawn(fn, reparam):
    def model():
        with virgil.plate("draws", DRAWS, dim=-2), virgil.plate("each", 5, dim=-1):
            return virgil.sample("x", fn)

    return poutine.reparam(model, config={"x": reparam})()


@pytest.mark.parametrize(
    ("fn", "reparam"),
    [
        (SKEWED_STABLE, LatentStableReparam),
        (SKEWED_STABLE, StableReparam),
        (SYMMETRIC, LatentStableReparam),
        (SYMMETRIC, StableReparam),
        (SYMMETRIC, SymmetricStableReparam),
        (SKEWED_STABLE, lambda: LocScaleReparam(0.3)),
    ],
)
def test_draws_have_the_characteristic_function(fn, reparam):
    """Real and imaginary part to 6 standard errors, at most 1 over the root of the draws each: under 1e-6 a test."""
    x = drawn(fn(), reparam())
    log_size, angle = characteristic(fn())
    phase = T.reshape(3, 1, 1) * x
    error = 6 / DRAWS**0.5
    assert (phase.cos().mean(1) - log_size.exp() * angle.cos()).abs().max() < error
    assert (phase.sin().mean(1) - log_size.exp() * angle.sin()).abs().max() < error


@pytest.mark.parametrize("reparam", [LatentStableReparam, StableReparam])
def test_the_other_parametrisation_has_its_own_location(reparam):
    virgil.set_rng_seed(0)
    shifted = drawn(SKEWED_STABLE("S"), reparam())
    virgil.set_rng_seed(0)
    plain = drawn(SKEWED_STABLE(), reparam())
    alpha, beta = SKEWED
    tangent = torch.tan(math.pi / 2 * torch.where(alpha == 1, 0.5, alpha))
    shift = beta * SCALE * torch.where(alpha == 1, SCALE.log() * 2 / math.pi, tangent)
    torch.testing.assert_close(shifted - plain, shift.expand(DRAWS, 5), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("fn", "reparam"), [(SKEWED_STABLE, StableReparam), (SYMMETRIC, StableReparam), (SYMMETRIC, SymmetricStableReparam)]
)
def test_data_have_the_stable_density_on_average(fn, reparam):
    """The mean density given the noise is the density, to 6 of its standard errors."""
    data = parameter(0.7, -0.4, 1.0, 2.5, -3.0)

    def model():
        with virgil.plate("draws", DRAWS, dim=-2), virgil.plate("each", 5, dim=-1):
            virgil.sample("x", fn(), obs=data)

    trace = poutine.trace(poutine.reparam(model, config={"x": reparam()})).get_trace()
    density = trace.nodes["x"].log_prob.exp()
    expected = dist.StableWithLogProb(fn().stability, fn().skew, SCALE, LOC).log_prob(data).exp()
    assert (
        (density.mean(0) - expected).abs() <= 6 * density.std(0) / DRAWS**0.5 + 1e-12
    ).all()  # a stability of 2 is exact


@pytest.mark.parametrize("reparam", [LatentStableReparam, StableReparam, SymmetricStableReparam])
def test_gradients_are_finite(reparam):
    parameters = [each.clone().requires_grad_() for each in (SYMMETRIC().stability, SCALE, LOC)]
    stability, scale, loc = parameters
    skew = torch.zeros(5, dtype=torch.float64) if reparam is SymmetricStableReparam else SKEWED[1]

    def model():
        with virgil.plate("each", 5):
            x = virgil.sample("x", dist.Stable(stability, skew, scale, loc))
            virgil.sample("y", dist.Normal(x, 1.0), obs=torch.zeros(5, dtype=torch.float64))

    total = poutine.trace(poutine.reparam(model, config={"x": reparam()})).get_trace().log_prob_sum()
    for each in torch.autograd.grad(total, parameters, allow_unused=True):
        assert each is None or each.isfinite().all()


def names(strategy, fn, obs=None):
    return poutine.trace(strategy(lambda: virgil.sample("x", fn, obs=obs))).get_trace().stochastic_nodes


def test_strategies_restate_what_asks_for_no_density():
    skewed, symmetric, one = dist.Stable(1.5, 0.5), dist.Stable(1.5, 0.0), torch.tensor(1.0)
    assert names(MinimalReparam(), skewed) == ["x_uniform", "x_exponential"]
    assert names(MinimalReparam(), symmetric, one) == ["x_uniform", "x_exponential"]
    parts = ["x_z_uniform", "x_z_exponential", "x_t_uniform", "x_t_exponential"]
    assert names(MinimalReparam(), skewed, one) == parts
    assert names(AutoReparam(), skewed, one) == parts
    assert names(AutoReparam(), skewed) == ["x_decentered_uniform", "x_decentered_exponential"]
    assert names(MinimalReparam(), dist.StableWithLogProb(1.5, 0.5)) == ["x"]


def test_noise_of_a_linear_series():
    noise = dist.Stable(1.6, torch.tensor([0.0, 0.4]), 1.0, 0.0).to_event(1)
    start = dist.Stable(1.6, torch.zeros(2), 1.0, 0.0).to_event(1)
    series = dist.LinearHMM(start, torch.eye(2), noise, torch.eye(2), noise, duration=3)
    reparam = LinearHMMReparam(init=SymmetricStableReparam(), trans=StableReparam(), obs=StableReparam())
    model = poutine.reparam(lambda: virgil.sample("x", series, obs=torch.randn(3, 2)), config={"x": reparam})
    trace = poutine.trace(model).get_trace()
    assert trace.nodes["x_obs_z_uniform"].value.shape == (3, 2)
    assert trace.log_prob_sum().isfinite()


def test_mistakes_are_named():
    with pytest.raises(ArgumentError, match="site 'x', SymmetricStableReparam got a Stable whose skew is not 0"):
        names(lambda fn: poutine.reparam(fn, config={"x": SymmetricStableReparam()}), dist.Stable(1.5, 0.5))
    with pytest.raises(ArgumentError, match="site 'x', StableReparam got Normal.*; it takes a Stable"):
        names(lambda fn: poutine.reparam(fn, config={"x": StableReparam()}), dist.Normal(0.0, 1.0))
