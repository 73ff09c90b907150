"""Dual averaging against its first steps by hand, and its limit."""

import random

import pytest

from virgil.ops.dual_averaging import DualAverages


def test_the_first_two_steps_by_hand():
    first = DualAverages(centre=2.0).updated(0.5)
    slope = 0.5 / 11
    assert first.latest == pytest.approx(2 - 20 * slope)
    assert first.average == pytest.approx(first.latest)
    second = first.updated(-0.2)
    slope = 11 / 12 * slope - 0.2 / 12
    assert second.latest == pytest.approx(2 - 2**0.5 / 0.05 * slope)
    weight = 2**-0.75
    assert second.average == pytest.approx((1 - weight) * first.average + weight * second.latest)


@pytest.mark.parametrize("target", [-1.5, 0.3])
def test_the_average_converges_to_where_slopes_vanish(target):
    """Slopes have noise of standard deviation 0.3; the average of 5000 is near by much more than this bound."""
    noise = random.Random(0)
    state = DualAverages()
    for _ in range(5000):
        state = state.updated(state.latest - target + noise.gauss(0, 0.3))
    assert state.average == pytest.approx(target, abs=0.05)
