"""What makes an SVI capture its step anew: one capture each; and the step it uses is the program's of the moment."""

import numpy as np
import pytest
import torch
from torch import nn

import virgil
from tests.infer.step.cases import Case, Holder, Replayed, Shift, Weighted, Y, begun
from virgil import poutine
from virgil.distributions import constraints
from virgil.infer import TraceMeanField_ELBO
from virgil.infer.step import compiled


@pytest.fixture(autouse=True)
def replays(monkeypatch):
    monkeypatch.setattr(compiled, "compiled", lambda engine, *step: Replayed(*step))


def passes(*first, **more):
    """From arguments to others."""

    def arrange(case, args, kwargs):
        case.args, case.kwargs = args, kwargs

    return lambda case: arrange(case, first, more), lambda case: arrange(case, (Y,), {})


def assigns(name, value, of=lambda case: case):
    """Gives an attribute, by the name of it, another value."""
    before = {}

    def change(case):
        before[name] = getattr(of(case), name)
        setattr(of(case), name, value(case) if callable(value) else value)

    return change, lambda case: setattr(of(case), name, before[name])


def option(name, value):
    before = {}

    def change(case):
        before[name] = case.group[name]
        case.group[name] = value

    return change, lambda case: case.group.update(before)


def item(place, make):
    """Puts another layer into the network."""
    before = {}

    def change(case):
        before[place] = case.net[place]
        case.net[place] = make()

    return change, lambda case: case.net.__setitem__(place, before[place])


def of_net(place):
    return lambda case: case.net[place]


ARGUMENTS = {
    "another shape": passes(Y[:3]),
    "another dtype": passes(Y.double()),
    "another number of arguments": passes(Y, torch.tensor(1.0)),
    "a keyword": passes(Y, more=torch.tensor(1.0)),
    "a number": passes(Y, 1.0),
    "an array": passes(Y, np.array([1.0, 2.0])),
    "a record": passes(Y, Shift(1.0)),
    "an object": passes(Y, Holder(1.0)),
}
CHANGES = {
    **ARGUMENTS,
    "eval mode of the network": (lambda case: case.net.eval(), lambda case: case.net.train()),
    "eval mode of a layer": (lambda case: case.net[2].eval(), lambda case: case.net[2].train()),
    "a layer's option": assigns("p", 0.1, of_net(2)),
    "a layer's parameters frozen": (
        lambda case: case.net[3].requires_grad_(False),
        lambda case: case.net[3].requires_grad_(True),
    ),
    "a layer": item(1, nn.ReLU),
    "a layer with parameters": item(3, lambda: nn.Linear(1, 1, False)),
    "a layer's weight": assigns("weight", lambda case: nn.Parameter(case.net[3].weight.detach() + 1.0), of_net(3)),
    "a layer's buffer": assigns("running_mean", lambda case: torch.ones(1), of_net(0)),
    "a network": assigns("net", lambda case: type(case)().net),
    "an attribute that the model reads": assigns("shift", 1.0),
    "particles": assigns("num_particles", 3, lambda case: case.svi.objective),
    "particles as a trial shows": assigns("vectorize_particles", None, lambda case: case.svi.objective),
    "the objective": assigns("objective", lambda case: TraceMeanField_ELBO(), lambda case: case.svi),
    "the guide": assigns("guide", lambda case: case.other_guide, lambda case: case.svi),
    "the model": assigns("model", lambda case: poutine.scale(case.model, 2.0), lambda case: case.svi),
    "the optimiser": assigns("optim", lambda case: virgil.optim.SGD({"lr": 0.01}), lambda case: case.svi),
    "an option of the optimiser": option("betas", (0.5, 0.9)),
    "weight decay": option("weight_decay", 0.1),
    "the sign of the gradient": option("maximize", True),
    "a handler": assigns("around", lambda case: poutine.scale(scale=2.0)),
    "the default dtype": (
        lambda case: torch.set_default_dtype(torch.float64),
        lambda case: torch.set_default_dtype(torch.float32),
    ),
    "automatic precision": assigns("around", lambda case: torch.autocast("cpu", torch.bfloat16)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_capture_there_and_none_back(name):
    case = begun()
    change, back = CHANGES[name]
    for arrange in (change, back):
        arrange(case)
        case.run()
        case.run()
        assert case.steps.captures == 2
        case.assert_present()


def remade(case):
    del virgil.get_param_store()["spread"]
    case.constraint = constraints.interval(0.1, 3.0)


def resized(case):
    virgil.get_param_store()["spread"] = torch.linspace(1.0, 2.0, 5)


def cleared(case):
    virgil.clear_param_store()


def grown(case):
    virgil.get_param_store()["spread"] = torch.tensor(2.0, dtype=torch.float64)


FOR_GOOD = {
    "a parameter with another constraint": remade,
    "a parameter of another shape": resized,
    "a parameter of another dtype": grown,
    "parameters made anew": cleared,
}


@pytest.mark.parametrize("name", FOR_GOOD)
def test_one_capture_of_other_parameters(name):
    case = begun()
    FOR_GOOD[name](case)
    for _ in range(3):
        case.run()
        assert case.steps.captures == 2
        case.assert_present()


def test_one_capture_of_a_network_in_double_precision():
    case = Case(optim=virgil.optim.SGD({"lr": 0.01}))
    case.net[0] = nn.Identity()  # buffers would be other tensors each time
    case.run()
    for precision in ("double", "float", "double"):
        getattr(case.net, precision)()
        case.run()
        case.run()
        assert case.steps.captures == 2
        case.assert_present()
    assert case.net[3].weight.dtype is torch.float64


def test_a_choice_of_a_loss_of_ones_own():
    case = begun(loss=Weighted())
    for weight, captures in ((0.5, 2), (1.0, 2), (0.25, 3), (0.5, 3)):
        case.svi.objective.weight = weight
        case.run()
        assert case.steps.captures == captures
        case.assert_present()


@pytest.mark.parametrize("make", [Shift, Holder])
def test_an_argument_that_is_changed_in_place(make):
    case = begun()
    held = make(1.0)
    case.args = (Y, held)
    for shift, captures in ((1.0, 2), (1.0, 2), (2.0, 3), (1.0, 3)):
        held.shift = shift
        case.run()
        assert case.steps.captures == captures
        case.assert_present()


@pytest.mark.parametrize("pair", [(1, True), (0, False), (1, 1.0), (0.0, -0.0)])
def test_python_values_that_are_equal_and_yet_not_the_same(pair):
    case = begun()
    for captures, value in zip((2, 3, 2, 3), pair + pair, strict=True):
        case.args = (Y, value)
        case.run()
        assert case.steps.captures == max(captures, case.steps.captures)
    assert case.steps.captures == 3


@pytest.mark.gpu
def test_another_device_is_one_capture():
    case = begun()
    case.args = (Y, torch.tensor(1.0))
    case.run()
    case.args = (Y, torch.tensor(1.0, device="cuda"))
    case.run()
    case.run()
    assert case.steps.captures == 3
    case.assert_present()
