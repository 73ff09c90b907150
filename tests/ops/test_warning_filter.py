"""Warnings ignored in a block of one thread."""

import threading
import warnings

import pytest

from virgil.ops.warning_filter import ignoring

THREADS = 8


class OnPurposeWarning(UserWarning):
    """Warns of nothing."""


def warn(text="loud"):
    warnings.warn(text, OnPurposeWarning, stacklevel=2)


def test_category_and_message_are_those_asked_for():
    before = list(warnings.filters)
    with ignoring(OnPurposeWarning, "lou[dt]"):
        warn("loud and clear")
        warn("LOUD")
        with pytest.warns(OnPurposeWarning, match="quiet"):
            warn("quiet")
    with ignoring(DeprecationWarning), pytest.warns(OnPurposeWarning):
        warn()
    with pytest.raises(OnPurposeWarning):  # as all warnings of the tests
        warn()
    assert warnings.filters == before


def test_it_goes_before_the_filters_that_are_there():
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with ignoring(UserWarning):
                warn()
            with pytest.raises(OnPurposeWarning):
                warn()


def test_blocks_nest_and_end_under_an_exception():
    before = list(warnings.filters)
    with pytest.raises(ZeroDivisionError), ignoring(OnPurposeWarning), ignoring(DeprecationWarning):
        warn()
        raise ZeroDivisionError
    assert warnings.filters == before


def test_threads_ignore_and_see_their_own():
    """All are inside at once, and leave in the order in which they came; half of them ignore."""
    before, barrier = list(warnings.filters), threading.Barrier(THREADS)
    seen = [[] for _ in range(THREADS)]

    def work(number):
        block = ignoring(OnPurposeWarning)
        for turn in range(2 * THREADS):
            if number % 2 == 0 and turn == number:
                block.__enter__()
            if number % 2 == 0 and turn == THREADS + number:
                block.__exit__(None, None, None)
            barrier.wait()
            try:
                warn()
                seen[number].append("ignored")
            except OnPurposeWarning:  # the tests' own filter makes it an error
                seen[number].append("seen")
            barrier.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for number, found in enumerate(seen):
        inside = range(number, THREADS + number) if number % 2 == 0 else ()
        assert found == ["ignored" if turn in inside else "seen" for turn in range(2 * THREADS)]
    assert warnings.filters == before


def test_filters_put_back_by_someone_else_hold_nothing_that_matches():
    with warnings.catch_warnings():
        block = ignoring(OnPurposeWarning)
        block.__enter__()
        with warnings.catch_warnings():  # a copy of the list, which ends after the block
            block.__exit__(None, None, None)
        with pytest.raises(OnPurposeWarning):
            warn()
        with ignoring(DeprecationWarning):
            pass
        assert not any(hasattr(each[1], "thread") for each in warnings.filters)
