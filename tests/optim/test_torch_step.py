"""A step without the profiler's label is the same step, and whoever watches an optimiser still sees it."""

import copy
import functools

import pytest
import torch
from torch.optim import optimizer as hooks
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from virgil.optim.torch_step import take_step

KINDS = {
    "SGD": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "Adam": functools.partial(torch.optim.Adam, lr=0.1),
    "Adam, fused": functools.partial(torch.optim.Adam, lr=0.1, fused=True),
    "Adagrad": functools.partial(torch.optim.Adagrad, lr=0.1),
    "Rprop": functools.partial(torch.optim.Rprop, lr=0.1),
}


def _leaf():
    leaf = torch.tensor([1.0, -2.0], requires_grad=True)
    leaf.grad = torch.tensor([0.5, 3.0])
    return leaf


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_optimisers_own_step(kind):
    leaf = _leaf()
    twin = copy.deepcopy(leaf)
    twin.grad = leaf.grad.clone()
    ours, theirs = KINDS[kind]([leaf]), KINDS[kind]([twin])
    for _ in range(3):
        take_step(ours)
        theirs.step()
    assert torch.equal(leaf, twin)
    assert not torch.equal(leaf.detach(), torch.tensor([1.0, -2.0]))


WATCHERS = {
    "before": lambda optimizer, hook: optimizer.register_step_pre_hook(hook),
    "after": lambda optimizer, hook: optimizer.register_step_post_hook(hook),
    "before any": lambda optimizer, hook: register_optimizer_step_pre_hook(hook),
    "after any": lambda optimizer, hook: register_optimizer_step_post_hook(hook),
}


@pytest.mark.parametrize("when", WATCHERS)
def test_hooks_are_called(when):
    optimizer, seen = torch.optim.Adam([_leaf()], lr=0.1), []
    handle = WATCHERS[when](optimizer, lambda which, args, kwargs: seen.append(which))
    try:
        take_step(optimizer)
    finally:
        handle.remove()
    take_step(optimizer)
    assert seen == [optimizer]


def test_a_wrapper_around_an_instances_step_is_called():
    optimizer, calls = torch.optim.Adam([_leaf()], lr=0.1), []
    own = optimizer.step
    optimizer.step = lambda: calls.append(own())
    take_step(optimizer)
    assert len(calls) == 1


def test_a_profiler_finds_the_label():
    optimizer = torch.optim.Adam([_leaf()], lr=0.1)
    with torch.autograd.profiler.profile() as profile:
        take_step(optimizer)
    assert "Optimizer.step#Adam.step" in {each.name for each in profile.function_events}


PRIVATE = [
    (torch.autograd, "_profiler_enabled"),
    (hooks, "_global_optimizer_pre_hooks"),
    (hooks, "_global_optimizer_post_hooks"),
]


@pytest.mark.parametrize("place", PRIVATE, ids=lambda place: place[1])
def test_where_torch_does_not_tell_who_watches_somebody_may(place, monkeypatch):
    optimizer, taken = torch.optim.Adam([_leaf()], lr=0.1), []

    def wrapped(self):
        taken.append("with what torch puts around it")

    wrapped.__wrapped__ = lambda self: taken.append("alone")
    monkeypatch.setattr(torch.optim.Adam, "step", wrapped)
    take_step(optimizer)
    monkeypatch.delattr(*place)
    take_step(optimizer)
    assert taken == ["alone", "with what torch puts around it"]


def test_a_step_of_ones_own_is_taken_whole():
    calls = []

    class Counting(torch.optim.Adam):
        @functools.wraps(torch.optim.Adam.step)
        def step(self, closure=None):
            calls.append(self)
            return super().step(closure)

    leaf = _leaf()
    take_step(Counting([leaf], lr=0.1))
    assert len(calls) == 1
    assert not torch.equal(leaf.detach(), torch.tensor([1.0, -2.0]))
