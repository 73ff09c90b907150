"""Networks that a thread calls, noted in that thread alone."""

import threading

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_modules

from virgil.ops.forward_hooks import watching_calls

THREADS = 8


def test_calls_inside_are_noted_and_no_hook_is_left():
    outer, inner = [], []
    net = nn.Sequential(nn.Linear(1, 1))
    with watching_calls(outer.append):
        with pytest.raises(ZeroDivisionError), watching_calls(inner.append):
            net(torch.ones(1))
            raise ZeroDivisionError
        net[0](torch.ones(1))
    net(torch.ones(1))
    assert inner == [net, net[0]]
    assert outer == [net, net[0], net[0]]
    assert not torch_modules._global_forward_pre_hooks


def test_each_thread_notes_its_own_networks():
    """All threads are inside at once and leave in the order in which they came, calling networks all the time."""
    barrier = threading.Barrier(THREADS)
    networks = [nn.Linear(1, 1) for _ in range(THREADS)]
    noted = [[] for _ in range(THREADS)]

    def work(number):
        block = watching_calls(noted[number].append)
        for turn in range(2 * THREADS):
            if turn == number:
                block.__enter__()
            if turn == THREADS + number:
                block.__exit__(None, None, None)
            barrier.wait()
            networks[number](torch.ones(1))
            barrier.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert noted == [[each] * THREADS for each in networks]
    assert not torch_modules._global_forward_pre_hooks
