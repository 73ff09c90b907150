"""One law over all schedulers: their rates are those of torch's own."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.optim import lr_scheduler

from virgil import optim
from virgil.errors import ArgumentError
from virgil.optim import as_optimizer

# name -> (options, the metric that each step is given or None)
SCHEDULERS = {
    "ChainedScheduler": {"schedulers": [partial(lr_scheduler.StepLR, step_size=2), partial(lr_scheduler.LinearLR)]},
    "ConstantLR": {"factor": 0.5, "total_iters": 3},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3},
    "ExponentialLR": {"gamma": 0.9},
    "LambdaLR": {"lr_lambda": lambda epoch: 1 / (1 + epoch)},
    "LinearLR": {"total_iters": 4},
    "MultiStepLR": {"milestones": [2, 5], "gamma": 0.5},
    "MultiplicativeLR": {"lr_lambda": lambda epoch: 0.9},
    "OneCycleLR": {"max_lr": 0.2, "total_steps": 12},
    "PolynomialLR": {"total_iters": 6, "power": 2.0},
    "ReduceLROnPlateau": {"patience": 1, "factor": 0.5},
    "SequentialLR": {
        "schedulers": [partial(lr_scheduler.ConstantLR, factor=0.5), partial(lr_scheduler.ExponentialLR, gamma=0.8)],
        "milestones": [3],
    },
    "StepLR": {"step_size": 3},
}
METRICS = [1.0, 0.9, 0.95, 0.96, 0.97, 0.5, 0.6, 0.6, 0.6, 0.6]
each_scheduler = pytest.mark.parametrize("name", SCHEDULERS)


def make(name, args=None):
    args = {"lr": 0.1, "momentum": 0.9} if args is None else args
    return getattr(optim, name)({"optimizer": torch.optim.SGD, "optim_args": args, **SCHEDULERS[name]})


def reference(name):
    """Torch's own rates, epoch by epoch, with a step of the optimiser in each."""
    leaf = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=0.1, momentum=0.9)
    options = dict(SCHEDULERS[name])
    if "schedulers" in options:
        options["schedulers"] = [each(optimizer) for each in options["schedulers"]]
    scheduler = getattr(lr_scheduler, name)(optimizer=optimizer, **options)
    rates = []
    for metric in METRICS:
        rates.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step(*([metric] if name == "ReduceLROnPlateau" else []))
    return rates


def rates_of(scheduler):
    return [(group["lr"], group["momentum"]) for group in scheduler.optimizer.torch_optimizer.param_groups]


def advance(scheduler, name, metric):
    scheduler.step(*([metric] if name == "ReduceLROnPlateau" else []))


def named_leaf(name="x"):
    leaf = torch.zeros(1, requires_grad=True)
    leaf.grad = torch.ones(1)
    return {name: leaf}


def test_every_torch_scheduler_has_its_name():
    assert set(SCHEDULERS) == set(lr_scheduler.__all__) - {"LRScheduler"}
    assert set(SCHEDULERS) <= set(optim.__all__)
    for name in SCHEDULERS:
        assert getattr(optim, name).__name__ == name


@each_scheduler
def test_the_rates_are_torchs(name):
    scheduler, named, rates = make(name), named_leaf(), []
    for metric in METRICS:
        scheduler(named)
        rates.extend(rates_of(scheduler))
        advance(scheduler, name, metric)
    assert rates == reference(name)


@each_scheduler
def test_late_parameters_join_the_schedule(name):
    """Parameters that join late, with options of their own or not, have the rates that they would have had."""
    scheduler = make(name, lambda _: {"lr": 0.1, "momentum": 0.9})
    other = make(name, lambda param: {"lr": 0.1, "momentum": 0.9, "weight_decay": float(param == "late")})
    for index, metric in enumerate(METRICS):
        expected = reference(name)[index]
        scheduler(named_leaf() if index < 5 else {**named_leaf(), **named_leaf("late")})
        other(named_leaf() if index < 5 else {**named_leaf(), **named_leaf("late")})
        assert rates_of(scheduler) == [expected]
        assert rates_of(other) == [expected] * (1 if index < 5 else 2)
        advance(scheduler, name, metric)
        advance(other, name, metric)


@each_scheduler
def test_a_schedule_may_advance_before_any_parameter(name):
    scheduler = make(name)
    for metric in METRICS[:4]:
        advance(scheduler, name, metric)
    scheduler(named_leaf())
    assert rates_of(scheduler) == [reference(name)[4]]


@each_scheduler
@pytest.mark.parametrize("is_known", [False, True])
def test_a_restored_schedule_goes_on(name, is_known, tmp_path):
    first, second, named = make(name), make(name), named_leaf()
    if is_known:
        second(named)
        advance(second, name, 7.0)
    for metric in METRICS[:4]:
        first(named)
        advance(first, name, metric)
    first.save(tmp_path / "state")
    second.load(tmp_path / "state")
    for index, metric in enumerate(METRICS[4:], 4):
        second(named)
        assert rates_of(second) == [reference(name)[index]]
        advance(second, name, metric)
    assert second.get_state()["schedule"] == [(m,) if name == "ReduceLROnPlateau" else () for m in METRICS]


def test_a_state_without_schedule_keeps_the_schedule():
    scheduler, named = make("ExponentialLR"), named_leaf()
    scheduler(named)
    advance(scheduler, "ExponentialLR", None)
    plain = optim.SGD({"lr": 0.1, "momentum": 0.9})
    scheduler.set_state(plain.get_state())
    assert rates_of(scheduler) == [reference("ExponentialLR")[1]]


def test_a_rate_that_is_a_tensor():
    rate = torch.tensor(0.1)
    scheduler, named = make("ExponentialLR", {"lr": rate, "momentum": 0.9}), named_leaf()
    for _ in range(3):
        scheduler(named)
        scheduler.step()
    scheduler({**named, **named_leaf("late")})
    assert rates_of(scheduler)[0][0].item() == pytest.approx(0.1 * 0.9**3)
    assert rate.item() == pytest.approx(0.1), "the user's tensor is not written to"


def test_clipping_and_svis_view():
    scheduler = optim.StepLR(
        {"optimizer": torch.optim.SGD, "optim_args": {"lr": 1.0}, "step_size": 1}, {"clip_value": 0.5}
    )
    named = named_leaf()
    as_optimizer(scheduler).step(named)
    assert named["x"].item() == -0.5


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: optim.StepLR({"step_size": 1}), "without optim_args and optimizer"),
        (lambda: optim.StepLR({"optimizer": torch.optim.SGD, "optim_args": {}, "gama": 1}), r"Did you mean 'gamma'\?"),
        (lambda: optim.StepLR({"optimizer": torch.optim.SGD, "optim_args": {}}), "StepLR got options .*step_size"),
        (lambda: optim.StepLR({"optimizer": torch.optim.SGD, "optim_args": {"lrr": 1}, "step_size": 1}), "'lrr'"),
        (lambda: optim.StepLR({"optimizer": torch.optim.SGD, "optim_args": lambda name: {}}), "options .*step_size"),
        (
            lambda: optim.SequentialLR(
                {"optimizer": torch.optim.SGD, "optim_args": lambda name: {}, "milestones": [],
                 "schedulers": [partial(lr_scheduler.StepLR, stepsize=3)]}
            ),
            "unexpected keyword argument 'stepsize'",
        ),
        (
            lambda: optim.ChainedScheduler(
                {"optimizer": torch.optim.SGD, "optim_args": {}, "schedulers": [lr_scheduler.StepLR(
                    torch.optim.SGD([torch.zeros(1)]), 1)]}
            ),
            "takes functions from a torch optimiser",
        ),
    ],
)  # fmt: skip
def test_wrong_options_are_errors_at_once(make, says):
    with pytest.raises(ArgumentError, match=f"(?s){says}"):
        make()
