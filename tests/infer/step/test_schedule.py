"""Single steps are compared often at first, and seldom enough later for the comparisons to cost little."""

from itertools import pairwise

import pytest

from virgil.infer.step.schedule import Schedule


def compared_after(num_calls, steps):
    """The numbers of steps after which there is a comparison."""
    schedule, found = Schedule(num_calls), []
    for number in range(steps):
        if schedule.is_due:
            found.append(number)
            assert schedule.note_comparison() == number - (found[-2] if found[1:] else 0)
        schedule.note_step()
    return found


def test_of_a_small_program():
    assert compared_after(50, 1000) == [1, 4, 16, 64, 256, 456, 656, 856]


def test_of_a_large_one_the_first_waits():
    found = compared_after(16_384, 300_000)
    assert found[:6] == [64, 256, 1024, 4096, 16_384, 65_536]
    assert {later - earlier for earlier, later in pairwise(found[5:])} == {65_536}


@pytest.mark.parametrize("num_calls", [1, 30, 1_000, 20_000])
def test_in_the_long_run_four_steps_are_taken_for_each_operator(num_calls):
    steps = 100 * num_calls
    assert len(compared_after(num_calls, steps)) <= 6 + steps / (4 * num_calls)


def test_a_comparison_for_another_reason_is_one():
    schedule = Schedule(50)
    for _ in range(10):
        schedule.note_step()
    assert schedule.is_due
    assert schedule.note_comparison() == 10
    assert not schedule.is_due
    assert schedule.note_comparison() == 0


def test_a_step_that_has_not_been_taken_is_not_due():
    schedule = Schedule(50)
    assert schedule.note_comparison() == 0
    assert not schedule.is_due
    schedule.note_step()
    assert schedule.is_due
