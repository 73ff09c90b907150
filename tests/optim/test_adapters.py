"""Whatever a user gives as an optimiser."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from virgil import optim
from virgil.errors import ArgumentError, MismatchError
from virgil.optim import as_optimizer


def named_leaf():
    leaf = torch.zeros(1, requires_grad=True)
    leaf.grad = torch.ones(1)
    return {"x": leaf}


@pytest.mark.parametrize(
    ("give", "moved"),
    [
        (lambda leaf: optim.SGD({"lr": 0.5}), -0.5),
        (lambda leaf: torch.optim.SGD, -0.001),
        (lambda leaf: partial(torch.optim.SGD, lr=0.25), -0.25),
        (lambda leaf: torch.optim.SGD([leaf], lr=0.125), -0.125),
        (lambda leaf: as_optimizer(torch.optim.SGD([leaf], lr=0.125)), -0.125),
    ],
)
def test_it_steps(give, moved):
    named = named_leaf()
    as_optimizer(give(named["x"])).step(named)
    assert named["x"].item() == pytest.approx(moved)


def test_an_instance_steps_only_what_is_given():
    named, other = named_leaf(), named_leaf()["x"]
    grad = other.grad
    as_optimizer(torch.optim.SGD([named["x"], other], lr=1.0)).step(named)
    assert (named["x"].item(), other.item()) == (-1.0, 0.0)
    assert other.grad is grad


def test_an_instance_without_the_programs_parameters():
    optimizer = as_optimizer(torch.optim.Adam([torch.zeros(1, requires_grad=True)]))
    with pytest.raises(MismatchError, match=r"does not hold the program's parameters 'x'.*virgil\.optim\.Adam"):
        optimizer.step(named_leaf())


def test_an_instances_state():
    named = named_leaf()
    optimizer = as_optimizer(torch.optim.Adam([named["x"]], lr=0.1))
    optimizer.step(named)
    state, value = optimizer.get_state(), named["x"].item()
    results = []
    for _ in range(2):
        optimizer.step(named)
        results.append(named["x"].item())
        optimizer.set_state(state)
        with torch.no_grad():
            named["x"].fill_(value)
    assert results[0] == results[1]
    with pytest.raises(ArgumentError, match="does not fit the torch optimiser"):
        optimizer.set_state({"state": {}, "param_groups": []})


@pytest.mark.parametrize(
    ("give", "says"),
    [
        (lambda: 0.1, "optim got 0.1, a float; it takes an optimiser such as"),
        (lambda: torch.optim.LBFGS([torch.zeros(1)]), "closure"),
        (lambda: torch.optim.LBFGS, "closure"),
        (lambda: torch.nn.Linear, "it takes an optimiser such as"),
        (
            lambda: torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.zeros(1)]), 1),
            r"a torch scheduler, StepLR; .* or use virgil\.optim\.StepLR",
        ),
        (lambda: partial(torch.optim.SGD, learning_rate=1), "unknown option 'learning_rate'"),
    ],
)
def test_what_is_no_optimizer_is_refused(give, says):
    with pytest.raises(ArgumentError, match=says):
        as_optimizer(give())
