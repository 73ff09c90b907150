"""Matern processes against the kernel's formula, and transitions against their differential equation."""

import math

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.matern_process import STATES, matern_stationary, matern_transition

LENGTH = torch.tensor([0.4, 1.7], dtype=torch.float64)
SCALE = torch.tensor([3.0, 0.6], dtype=torch.float64)


def kernel(nu, time):
    distance = math.sqrt(2 * nu) * time / LENGTH
    shape = {0.5: 1, 1.5: 1 + distance, 2.5: 1 + distance + distance.square() / 3}[nu]
    return SCALE.square() * shape * (-distance).exp()


@pytest.mark.parametrize("nu", STATES)
@pytest.mark.parametrize("time", [0.0, 0.3, 2.0])
def test_the_covariance_at_two_times_is_the_kernel(nu, time):
    found = matern_stationary(nu, LENGTH, SCALE) @ matern_transition(nu, LENGTH, time)
    torch.testing.assert_close(found[:, 0, 0], kernel(nu, time))


@pytest.mark.parametrize("nu", STATES)
def test_transitions_compose_and_differentiate_to_the_companion_matrix(nu):
    first, second = matern_transition(nu, LENGTH, 0.3), matern_transition(nu, LENGTH, torch.tensor(0.5))
    torch.testing.assert_close(first @ second, matern_transition(nu, LENGTH, 0.8))
    step = 1e-6
    drift = (matern_transition(nu, LENGTH, step) - matern_transition(nu, LENGTH, 0.0)).mT / step
    size, rate = STATES[nu], math.sqrt(2 * nu) / LENGTH
    for state in range(size - 1):  # each entry's derivative is the next one
        torch.testing.assert_close(
            drift[:, state], torch.eye(size)[state + 1].double().expand(2, -1), atol=1e-3, rtol=0
        )
    expected = torch.stack([-math.comb(size, power) * rate ** (size - power) for power in range(size)], -1)
    torch.testing.assert_close(drift[:, -1], expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("nu", STATES)
def test_the_noise_is_positive_and_keeps_the_covariance(nu):
    stationary, transition = matern_stationary(nu, LENGTH, SCALE), matern_transition(nu, LENGTH, 0.5)
    noise = stationary - transition.mT @ stationary @ transition
    assert (torch.linalg.eigvalsh(noise) > 0).all()


def test_another_order_is_refused():
    with pytest.raises(ArgumentError, match=r"nu=3.5; .* 0.5, 1.5 or 2.5"):
        matern_transition(3.5, LENGTH, 0.1)
