"""Guides that enumerate some variables and draw others, pathwise or by the score function."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_guides import (
    ABS,
    EACH,
    GROUPED,
    IN_TURN,
    chain,
    grouped,
    local,
    local_guide,
    of_a_batch,
    rounds,
    three,
    uniform,
)
from tests.exact.enumeration_models import X, see
from virgil.infer import config_enumerate


def draw_first(ways):
    def guide():
        a = flip("a", param("a"))
        flip("b", param("b") + param("slope") * a, **ways)

    return guide


def draw_last(ways):
    def guide():
        a = flip("a", param("a"), **ways)
        flip("b", param("b") + param("slope") * a)

    return guide


def draw_between(ways):
    def guide():
        a = flip("a", param("a"), **ways)
        b = flip("b", param("b") + param("slope") * a)
        flip("c", param("c") - b + 0.4 * a, **ways)

    return guide


# a normal variable beside binary ones


@config_enumerate
def with_normal():
    w = virgil.sample("w", dist.Normal(torch.zeros(()), 1.0))
    a = flip("a", w)
    c = flip("c", 0.8 * a - w)
    see("x", w + 2 * a - c, X[0])


def normal(loc):
    return virgil.sample("w", dist.Normal(loc, param("log_scale").exp()))


def normal_first(ways):
    def guide():
        w = normal(param("loc"))
        flip("a", param("a") + param("slope") * w, **ways)

    return guide


def normal_last(ways):
    def guide():
        a = flip("a", param("a"), **ways)
        normal(param("loc") + param("slope") * a)

    return guide


# plates


def slots_drawn(ways):
    def guide():
        a = flip("a", param("a"), **ways)
        with virgil.plate("data", 3):
            flip("b", param("bs") + param("slope") * a)

    return guide


def slots_enumerated():
    a = flip("a", param("a"))
    with virgil.plate("data", 3):
        flip("b", param("bs") + param("slope") * a, **EACH)


def only_slots():
    """The model sums out the variable above the plate."""
    with virgil.plate("data", 3):
        flip("b", param("bs"))


@config_enumerate
def local_two():
    b = uniform("b")
    d = flip("d", b - 0.4)
    c = flip("c", 0.8 * b - d)
    see("x", 2 * b - c + d, X[:2])


def two_drawn_first():
    b = flip("b", param("bs"))
    flip("d", param("d") + b, **EACH)


def two_drawn_last():
    b = flip("b", param("bs"), **EACH)
    flip("d", param("d") + b)


@config_enumerate
def joined():
    plate = virgil.plate("data", 2)
    with plate:
        z = uniform("z")
        uniform("y")
    u = flip("u", z.sum(-1, keepdim=True) - 1)
    with plate:
        v = flip("v", 2 * u - 1)
        see("x", v + z, X[:2])


def joined_guide():
    """A drawn variable of each slot, one enumerated that depends on all of them, and again one of each slot."""
    plate = virgil.plate("data", 2)
    with plate:
        z = flip("z", param("z"))
        flip("y", param("y") + z, **EACH)
    u = flip("u", param("slope") * (z.sum(-1, keepdim=True) - 1), **EACH)
    with plate:
        flip("v", param("v") + 2 * u)


def rounds_drawn(first, second):
    def guide():
        a = flip("a", param("a"), **first)
        for i in virgil.plate("data", 3):
            flip(f"b_{i}", param("bs")[i] + param("slope") * a, **second)

    return guide


def chain_half_drawn():
    """A value is drawn for each value of the variable before it, so the next one depends on both: history is 2."""
    state = torch.zeros(())
    for t in virgil.markov(range(4), history=2):
        state = flip(f"z_{t}", param("logits")[t] + param("slope") * state, **(EACH if t % 2 else {}))


ABC = {**ABS, "c": 0.6}
NORMAL = {"loc": 0.3, "log_scale": -0.4, "a": 0.2, "slope": 0.9}
CHAIN = {"logits": [0.2, -0.6, 0.5, 0.1], "slope": 0.8}

DRAWN = {
    "drawn first": case(three, ABS, draw_first(EACH)),
    "drawn last": case(three, ABS, draw_last(EACH)),
    "drawn between": case(three, ABC, draw_between(EACH)),
    "normal first": case(with_normal, NORMAL, normal_first(EACH)),
    "normal last": case(with_normal, NORMAL, normal_last(EACH)),
    "normal first, the other drawn": case(with_normal, NORMAL, normal_first({})),
    "normal alone": case(with_normal, {"loc": 0.3, "log_scale": -0.4}, lambda: normal(param("loc"))),
    "drawn, model sums the rest": case(three, ABS, draw_first({})),
    "slots drawn": case(grouped, GROUPED, slots_drawn(EACH)),
    "slots drawn below one drawn": case(grouped, GROUPED, slots_drawn({})),
    "slots drawn below one in turn": case(grouped, GROUPED, slots_drawn(IN_TURN)),
    "slots enumerated": case(grouped, GROUPED, slots_enumerated),
    "slots drawn, model sums above": case(grouped, {"bs": [0.2, -0.6, 0.5]}, only_slots),
    "mini-batch, drawn first": of_a_batch(local_two, {"bs": [0.2, -0.6], "d": 0.3}, two_drawn_first),
    "mini-batch, drawn last": of_a_batch(local_two, {"bs": [0.2, -0.6], "d": 0.3}, two_drawn_last),
    "mini-batch, drawn": of_a_batch(local, {"bs": [0.2, -0.6]}, local_guide),
    "joined": case(joined, {"z": [0.3, -0.5], "y": 0.1, "slope": 1.5, "v": [0.2, -0.8]}, joined_guide),
    "rounds, one drawn": case(rounds, GROUPED, rounds_drawn({}, EACH)),
    "rounds, each drawn": case(rounds, GROUPED, rounds_drawn(EACH, {})),
    "rounds, one drawn, each in turn": case(rounds, GROUPED, rounds_drawn({}, IN_TURN)),
    "markov chain": case(chain(2), CHAIN, chain_half_drawn),
    "in turn, drawn first": case(three, ABS, draw_first(IN_TURN)),
    "in turn, drawn last": case(three, ABS, draw_last(IN_TURN)),
    "in turn, drawn between": case(three, ABC, draw_between(IN_TURN)),
    "in turn, normal first": case(with_normal, NORMAL, normal_first(IN_TURN)),
    "in turn, normal last": case(with_normal, NORMAL, normal_last(IN_TURN)),
}
