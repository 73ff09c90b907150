"""``torch.compiler.is_compiling`` while threads capture."""

import threading

import pytest
import torch

from virgil.ops.compile_flag import as_when_compiling

THREADS = 8


def test_it_is_true_inside_and_torchs_own_outside():
    function, code = torch.compiler.is_compiling, torch.compiler.is_compiling.__code__
    assert not torch.compiler.is_compiling()
    with pytest.raises(ZeroDivisionError), as_when_compiling():
        with as_when_compiling():
            assert torch.compiler.is_compiling()
        assert torch.compiler.is_compiling()
        assert torch.compiler.is_compiling is function  # which torch's compiler knows by its identity
        raise ZeroDivisionError
    assert not torch.compiler.is_compiling()
    assert torch.compiler.is_compiling is function
    assert function.__code__ is code


def test_only_the_threads_that_capture_see_it():
    """Half of the threads are inside, and leave in the order in which they came, while all look after each change."""
    code, barrier = torch.compiler.is_compiling.__code__, threading.Barrier(THREADS)
    seen = {number: [] for number in range(THREADS)}

    def look(number):
        barrier.wait()
        seen[number].append(torch.compiler.is_compiling())
        barrier.wait()

    def work(number):
        captures = number % 2 == 0
        block = as_when_compiling()
        for turn in range(THREADS):
            if captures and turn == number:
                block.__enter__()
            look(number)
        for turn in range(THREADS):
            if captures and turn == number:
                block.__exit__(None, None, None)
            look(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for number, answers in seen.items():
        inside = range(number, THREADS + number) if number % 2 == 0 else ()
        assert answers == [turn in inside for turn in range(2 * THREADS)]
    assert torch.compiler.is_compiling.__code__ is code
