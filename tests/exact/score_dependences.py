"""Programs over binary variables that read one another in many ways, for exact sums over all draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

import virgil
import virgil.distributions as dist
from virgil import poutine

X = torch.tensor([0.4, -0.9, 1.3])
flags = {"reads": True}


@dataclass(frozen=True)
class Reading:
    """A model and a guide of binary variables.

    Attributes:
        shapes: of the guide's variables, by name.
        follows: whether it can be told beforehand which variables are read.
        args: of both programs.
    """

    model: Callable[..., Any]
    guide: Callable[..., Any]
    shapes: dict[str, tuple[int, ...]]
    follows: bool = True
    args: tuple[Any, ...] = field(default=())


def flip(name, logit, **infer):
    return virgil.sample(name, dist.Bernoulli(logits=logit), infer=infer)


def number(name, value):
    return virgil.param(f"q_{name}", torch.tensor(value))


def seen(name, loc, data=X[0]):
    virgil.sample(name, dist.Normal(loc, 0.7), obs=data)


def three(*args):
    a, b = flip("a", number("a", 0.4)), flip("b", number("b", -0.3))
    flip("c", number("c", 0.2) + 1.5 * a - b)


def three_apart(*args):
    """The same variables, none of which reads another."""
    for name, logit in (("c", 0.2), ("b", -0.3), ("a", 0.4)):
        flip(name, number(name, logit))


THREE = {"a": (), "b": (), "c": ()}


def priors():
    return flip("a", torch.tensor(0.3)), flip("b", torch.tensor(-0.8)), flip("c", torch.tensor(0.1))


def by_index():
    a, b, c = priors()
    seen("x", X[a.long()])
    seen("y", torch.stack([X[0] * b, X[1]])[c.long()])


def by_comparison():
    a, b, c = priors()
    seen("x", torch.where((a > 0.5) & (b < 0.5), X[1], X[2]))
    seen("y", (c == a).to(X.dtype))


def by_buffer():
    a, b, c = priors()
    buffer = torch.zeros(3)
    buffer[0] = a
    buffer[1:].fill_(2.0).mul_(b)
    seen("x", buffer.sum())
    seen("y", 2 * c - 1)


def by_branch():
    a, b, c = priors()
    seen("x", X[1] * c if a > 0.5 else X[2])
    seen("y", b)


def by_list():
    a, b, c = priors()
    number_of_ones = sum(torch.stack([a, b]).tolist())
    seen("x", torch.tensor(number_of_ones))
    seen("y", c)


def by_deterministic():
    a, b, c = priors()
    total = virgil.deterministic("total", a + 2 * b)
    seen("x", total)
    seen("y", c)


def by_mask_and_scale():
    a, b, c = priors()
    with poutine.mask(mask=a > 0.5):
        seen("x", X[1])
    with poutine.scale(scale=1.0 + b):
        seen("y", c)


def by_data():
    a, b, c = priors()
    virgil.sample("x", dist.Normal(0.0, 1.0), obs=a - 2 * b)
    seen("y", c)


def hidden_below():
    a, b, c = priors()
    with poutine.block(hide=["inner"]):
        inner = virgil.sample("inner", dist.Delta(a + 1))
    seen("x", inner)
    seen("y", b * c)


def factors():
    a, b, c = priors()
    virgil.factor("f", 1.5 * a * b)
    seen("y", c)


def by_argument(reads):
    a, b, c = priors()
    seen("x", a * b if reads else X[1])
    seen("y", c)


def by_flag():
    a, b, c = priors()
    seen("x", 2 * a + b if flags["reads"] else X[1])
    seen("y", c)


def masked_guide():
    a = flip("a", number("a", 0.4))
    with poutine.mask(mask=a > 0.5), poutine.scale(scale=2.0 + a):
        flip("b", number("b", -0.3))
    flip("c", number("c", 0.2))


def rounds_model():
    before = torch.zeros(())
    for i in virgil.plate("rounds", 3):
        before = flip(f"z_{i}", 0.5 - before)
        seen(f"x_{i}", before, X[i])


def rounds_guide():
    before = torch.zeros(())
    for i in virgil.plate("rounds", 3):
        before = flip(f"z_{i}", number(f"z_{i}", 0.3 * i) + before)


def slots_model():
    g = flip("g", torch.tensor(0.2))
    with virgil.plate("data", 3):
        z = flip("z", torch.tensor(0.4))
        seen("x", z, X)
    w = flip("w", z.sum() - 1)
    seen("y", w + g)


def slots_guide():
    with virgil.plate("data", 3):
        z = flip("z", virgil.param("q_z", torch.tensor([0.3, -0.2, 0.6])))
    flip("w", number("w", 0.3) + z.sum())
    flip("g", number("g", -0.5))


def joined_model():
    """Slots that a variable between them joins: what stands below it may depend on any of them."""
    slots = virgil.plate("data", 3)
    with slots:
        z = flip("z", torch.tensor(0.4))
    w = flip("w", z.sum() - 1)
    with slots:
        v = flip("v", w - z)
        seen("x", w + v, X)


def joined_guide():
    slots = virgil.plate("data", 3)
    with slots:
        z = flip("z", virgil.param("q_z", torch.tensor([0.3, -0.2, 0.6])))
    w = flip("w", number("w", 0.3) + z.sum())
    with slots:
        flip("v", virgil.param("q_v", torch.tensor([0.1, 0.5, -0.7])) + w)


def mixed_model():
    """Slots that read one another, which no plate should have, and a variable outside that nobody reads."""
    flip("g", torch.tensor(0.2))
    slots = virgil.plate("data", 3)
    with slots:
        z = flip("z", torch.tensor(0.4))
    with slots:
        seen("x", z.mean() - z, X)


def mixed_guide():
    with virgil.plate("data", 3):
        flip("z", virgil.param("q_z", torch.tensor([0.3, -0.2, 0.6])))
    flip("g", number("g", -0.5))


def helped_guide():
    h = flip("h", number("h", 0.7), is_auxiliary=True)
    flip("a", number("a", 0.4) - 2 * h)
    flip("b", number("b", -0.3))
    flip("c", number("c", 0.2) + h)


def one_of_two_model():
    a, b = flip("a", torch.tensor(0.3)), flip("b", torch.tensor(0.1))
    seen("x", a * 2 + b)


def one_of_two_guide():
    b = flip("b", number("b", 0.6))
    flip("a", number("a", 0.4) + b)


READINGS = {
    "by index": Reading(by_index, three, THREE),
    "by comparison": Reading(by_comparison, three, THREE),
    "by a buffer": Reading(by_buffer, three, THREE),
    "by a branch": Reading(by_branch, three, THREE, follows=False),
    "by a branch, apart": Reading(by_branch, three_apart, THREE, follows=False),
    "by a list": Reading(by_list, three_apart, THREE, follows=False),
    "by a deterministic site": Reading(by_deterministic, three_apart, THREE),
    "by mask and scale": Reading(by_mask_and_scale, three_apart, THREE),
    "by the data": Reading(by_data, three, THREE),
    "through a hidden site": Reading(hidden_below, three_apart, THREE),
    "by a factor": Reading(factors, three_apart, THREE),
    "by an argument": Reading(by_argument, three_apart, THREE, args=(True,)),
    "a mask and a scale in the guide": Reading(by_index, masked_guide, THREE),
    "the round before": Reading(rounds_model, rounds_guide, {f"z_{i}": () for i in range(3)}),
    "slots of a plate": Reading(slots_model, slots_guide, {"z": (3,), "w": (), "g": ()}),
    "slots that a variable joins": Reading(joined_model, joined_guide, {"z": (3,), "w": (), "v": (3,)}),
    "slots that read one another": Reading(mixed_model, mixed_guide, {"z": (3,), "g": ()}),
    "a variable of the guide alone": Reading(by_index, helped_guide, {"h": (), **THREE}),
    "the other order": Reading(one_of_two_model, one_of_two_guide, {"a": (), "b": ()}),
}
