"""Programs that read a number besides their arguments, which the optimum of a point guide shows, or the way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.infer.step.numbers_read import READ, Change, Holder, Read
from virgil import poutine
from virgil.distributions import transforms
from virgil.infer import Trace_ELBO
from virgil.nn import PyroModule, PyroSample


def point():
    virgil.sample("z", dist.Delta(virgil.param("loc", torch.tensor(-3.0))))


def descent():
    return virgil.optim.SGD({"lr": 0.05})


@dataclass
class Changeable:
    """A program and what changes it.

    Attributes:
        model: it has a variable ``z``.
        change: gives the number that it reads another value.
        guide: likewise.
        optim: makes the optimiser.
        loss: makes the objective of runs.
    """

    model: Callable[..., Any]
    change: Change
    guide: Callable[..., Any] = point
    optim: Callable[[], Any] = descent
    loss: Callable[[], Any] = field(default=Trace_ELBO)


PROGRAMS: dict[str, Callable[[], Changeable]] = {}


def program(make: Callable[[], Changeable]) -> Callable[[], Changeable]:
    PROGRAMS[make.__name__.removeprefix("a_").replace("_", " ")] = make
    return make


def observing(read: Read, change: Change) -> Changeable:
    def model():
        z = virgil.sample("z", dist.Normal(0.0, 100.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.as_tensor(read()))

    return Changeable(model, change)


PROGRAMS.update({name: lambda make=make: observing(*make()) for name, make in READ.items()})


def observed(held, of=lambda z, held: z):
    """The model whose variable, or a function of it, is observed to be 1."""

    def model():
        z = virgil.sample("z", dist.Normal(0.0, 100.0))
        virgil.sample("x", dist.Normal(of(z, held), 1.0), obs=torch.tensor(1.0))

    return model


def writes(held):
    return lambda value: held.update(value=value)


# distributions, handlers, modules


@program
def a_distribution_that_is_kept():
    kept = dist.Normal(torch.tensor(1.0), 1.0)
    return Changeable(lambda: virgil.sample("z", kept), lambda value: setattr(kept, "loc", torch.tensor(value)))


@program
def a_parameter_of_a_distribution_that_is_kept():
    kept = dist.Normal(torch.tensor(1.0), torch.tensor(1.0))
    return Changeable(lambda: virgil.sample("z", kept), kept.loc.fill_)


@program
def a_transform():
    kept = transforms.AffineTransform(1.0, 1.0)
    return Changeable(observed(kept, lambda z, kept: kept(z)), lambda value: setattr(kept, "loc", value))


@program
def a_handler():
    handler = poutine.scale(scale=1.0)
    scaled = handler(lambda: virgil.sample("z", dist.Normal(3.0, 1.0)))
    return Changeable(scaled, lambda value: setattr(handler, "scale", value / 2))


@program
def the_data_of_a_handler():
    data = {"x": torch.tensor(1.0)}

    def model():
        virgil.sample("x", dist.Normal(virgil.sample("z", dist.Normal(0.0, 100.0)), 1.0))

    return Changeable(poutine.condition(model, data), lambda value: data.update(x=torch.tensor(value)))


@program
def a_prior_of_a_module():
    class Module(PyroModule):
        def forward(self):
            return self.z

    module = Module()
    module.z = PyroSample(dist.Normal(1.0, 1.0))
    return Changeable(module, lambda value: setattr(module, "z", PyroSample(dist.Normal(value, 1.0))))


@program
def the_function_of_a_prior_of_a_module():
    held = {"value": 1.0}

    class Module(PyroModule):
        @PyroSample
        def z(self):
            return dist.Normal(held["value"], 1.0)

        def forward(self):
            return self.z

    return Changeable(Module(), writes(held))


@program
def a_bound_method():
    holder = Holder({"value": 1.0})
    holder.model = lambda: virgil.sample("z", dist.Normal(holder.value["value"], 1.0))

    class Bound:
        def model(self):
            return holder.model()

    return Changeable(Bound().model, writes(holder.value))


@program
def a_weight_of_terms():
    held = {"value": 1.0}

    def model():
        with poutine.scale(scale=held["value"] / 4):
            virgil.sample("z", dist.Normal(3.0, 1.0))

    return Changeable(model, writes(held))


@program
def a_loop():
    held = {"value": 1.0}

    def model():
        z = virgil.sample("z", dist.Normal(0.0, 100.0))
        for number in range(int(held["value"])):
            virgil.sample(f"x_{number}", dist.Normal(z, 4.0), obs=torch.tensor(float(number)))

    return Changeable(model, writes(held))


@program
def what_the_guide_reads():
    held = {"value": 1.0}

    def guide():
        virgil.sample("z", dist.Delta(virgil.param("loc", torch.tensor(-3.0)) * held["value"] / 4))

    return Changeable(observed(held), writes(held), guide)


@program
def the_spread_of_the_guide_of_a_network():
    held, net = {"value": 1.0}, nn.Linear(1, 1)
    net.load_state_dict({"weight": torch.ones(1, 1), "bias": torch.zeros(1)})

    def guide():
        virgil.module("net", net)
        virgil.sample("z", dist.Delta(net(torch.tensor([held["value"] / 8])).squeeze()))

    return Changeable(observed(held), writes(held), guide)


# what the loss at a point does not show


class Backward(torch.autograd.Function):
    factor = {"value": 1.0}

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (Backward.factor["value"] / 4)


@program
def a_derivative_of_ones_own():
    Backward.factor["value"] = 1.0
    return Changeable(observed(None, lambda z, held: Backward.apply(z)), writes(Backward.factor))


@program
def a_hook_of_a_tensor():
    held = {"value": 1.0}

    def hooked(z, held):
        if z.requires_grad:
            z.register_hook(lambda gradient: gradient * (held["value"] / 4))
        return z

    return Changeable(observed(held, hooked), writes(held))


@program
def whether_gradients_are_taken():
    held = {"value": 1.0}

    def partly(z, held):
        with torch.set_grad_enabled(held["value"] == 1.0):
            half = z * 0.5
        return half + z * 0.5

    return Changeable(observed(held, partly), writes(held))


# objectives and optimisers


@program
def a_loss_of_ones_own():
    held, elbo = {"value": 1.0}, Trace_ELBO()

    def loss(*args, **kwargs):
        return elbo.differentiable_loss(*args, **kwargs) * held["value"] / 4

    return Changeable(observed(held), writes(held), loss=lambda: loss)


@program
def an_objective_of_ones_own():
    held = {"value": 1.0}

    class Own(Trace_ELBO):
        def differentiable_loss(self, *args, **kwargs):
            return super().differentiable_loss(*args, **kwargs) * held["value"] / 4

    return Changeable(observed(held), writes(held), loss=Own)


@program
def an_optimiser_of_ones_own():
    held = {"value": 1.0}

    class Own(torch.optim.SGD):
        def step(self, closure=None):
            for group in self.param_groups:
                for each in group["params"]:
                    each.grad.mul_(held["value"] / 4)
            return super().step()

    return Changeable(observed(held), writes(held), optim=lambda: virgil.optim.Optimizer(Own, {"lr": 0.05}))


@program
def a_hook_of_an_optimiser():
    held = {"value": 1.0}

    def changed(optimizer, args, kwargs):
        for group in optimizer.param_groups:
            for each in group["params"]:
                each.grad.mul_(held["value"] / 4)

    class Own(torch.optim.SGD):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.register_step_pre_hook(changed)

    return Changeable(observed(held), writes(held), optim=lambda: virgil.optim.Optimizer(Own, {"lr": 0.05}))


@program
def an_option_of_an_optimiser():
    optim = virgil.optim.SGD({"lr": 0.05})

    def change(value):
        for group in optim.torch_optimizer.param_groups:
            group["weight_decay"] = (value - 1.0) / 10

    return Changeable(observed(None), change, optim=lambda: optim)
