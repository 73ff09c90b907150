"""Guides that enumerate discrete variables, all of them or together with others that are drawn."""

from __future__ import annotations

import torch

import virgil
from tests.exact.binary import HALF, flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_models import X, see
from virgil import poutine
from virgil.infer import config_enumerate

EACH = {"infer": {"enumerate": "parallel"}}
IN_TURN = {"infer": {"enumerate": "sequential"}}
HALF_SLOTS = torch.tensor([0, 2])
KEEP = torch.tensor([True, False, True])


def uniform(name):
    return flip(name, HALF)


def at_once(guide):
    return config_enumerate(guide)


def in_turn(guide):
    return config_enumerate(guide, default="sequential")


# two variables, and a third that the model sums out


@config_enumerate
def three():
    a = uniform("a")
    b = flip("b", 1.5 * a - 0.5)
    c = flip("c", 0.8 * b - 0.2)
    see("x", a + 2 * b - c, X[0])
    see("y", 0.7 * c + b, X[1])


def independent():
    flip("a", param("a"))
    flip("b", param("b"))


def dependent():
    a = flip("a", param("a"))
    flip("b", param("b") + param("slope") * a)


def inverse():
    b = flip("b", param("b"))
    flip("a", param("a") + param("slope") * b)


def all_three():
    a = flip("a", param("a"))
    b = flip("b", param("b") + param("slope") * a)
    flip("c", param("c") - b + 0.4 * a)


def auxiliary():
    u = flip("u", param("u"), infer={"is_auxiliary": True})
    a = flip("a", param("a") + u)
    flip("b", param("b") + param("slope") * a - u)


def a_in_turn():
    a = flip("a", param("a"), **IN_TURN)
    flip("b", param("b") + param("slope") * a, **EACH)


def b_in_turn():
    a = flip("a", param("a"), **EACH)
    flip("b", param("b") + param("slope") * a, **IN_TURN)


# plates


@config_enumerate
def grouped():
    a = uniform("a")
    with virgil.plate("data", 3):
        b = flip("b", 1.5 * a - 0.5)
        c = flip("c", 0.8 * b - 0.2)
        see("x", a + 2 * b - c, X[:3])


def grouped_guide():
    a = flip("a", param("a"))
    with virgil.plate("data", 3):
        flip("b", param("bs") + param("slope") * a)


def two_of_four(program):
    """Slots 0 and 2 of four, each of which stands for two."""

    def run():
        with virgil.plate("data", 4, subsample=HALF_SLOTS):
            program()

    return run


def two(program):
    def run():
        with virgil.plate("data", 2):
            program()

    return run


def of_a_batch(model, params, guide, wrap=lambda program: program):
    """The mini-batch's case: its bound is twice that of its two slots."""
    return case(two_of_four(model), params, wrap(two_of_four(guide)), two(model), 2.0, two(guide))


@config_enumerate
def local():
    b = uniform("b")
    c = flip("c", 0.8 * b - 0.2)
    see("x", 2 * b - c, X[:2])


def local_guide():
    flip("b", param("bs"))


@config_enumerate
def masked():
    with virgil.plate("data", 3), poutine.mask(mask=KEEP):
        b = uniform("b")
        see("x", 2 * b, X[:3])


def masked_guide():
    with virgil.plate("data", 3), poutine.mask(mask=KEEP):
        flip("b", param("bs"))


@config_enumerate
def rounds():
    a = uniform("a")
    for i in virgil.plate("data", 3):
        b = flip(f"b_{i}", 1.5 * a - 0.5)
        see(f"x_{i}", a + 2 * b, X[i])


def rounds_guide():
    a = flip("a", param("a"))
    for i in virgil.plate("data", 3):
        flip(f"b_{i}", param("bs")[i] + param("slope") * a)


@config_enumerate
def two_loops():
    a = uniform("a")
    plate = virgil.plate("data", 3)
    b = [flip(f"b_{i}", 1.5 * a - 0.5) for i in plate]
    for i in plate:
        c = flip(f"c_{i}", 0.8 * b[i] - 0.2)
        see(f"x_{i}", a + 2 * b[i] - c, X[i])


def two_loops_guide():
    """The first loop is enumerated, and the second reads it."""
    a = flip("a", param("a"))
    plate = virgil.plate("data", 3)
    b = [flip(f"b_{i}", param("bs")[i] + param("slope") * a) for i in plate]
    for i in plate:
        flip(f"c_{i}", param("c") - b[i])


def chain(history):
    @config_enumerate
    def model():
        state = torch.zeros(())
        for t in virgil.markov(range(4), history=history):
            state = flip(f"z_{t}", 1.5 * state - 0.5)
            c = flip(f"c_{t}", state - 0.3)
            see(f"x_{t}", 2 * state + c, X[t])

    return model


def chain_guide():
    state = torch.zeros(())
    for t in virgil.markov(range(4)):
        state = flip(f"z_{t}", param("logits")[t] + param("slope") * state)


AB = {"a": 0.4, "b": -0.3}
ABS = {**AB, "slope": 1.2}
GROUPED = {"a": 0.4, "bs": [0.2, -0.6, 0.5], "slope": 1.2}
CHAIN = {"logits": [0.2, -0.6, 0.5, 0.1], "slope": 0.8}

EXACT = {
    "independent": case(three, AB, at_once(independent)),
    "dependent": case(three, ABS, at_once(dependent)),
    "inverse": case(three, ABS, at_once(inverse)),
    "all in the guide": case(three, {**ABS, "c": 0.6}, at_once(all_three)),
    "auxiliary": case(three, {**ABS, "u": 0.3}, at_once(auxiliary)),
    "plate": case(grouped, GROUPED, at_once(grouped_guide)),
    "mini-batch": of_a_batch(local, {"bs": [0.2, -0.6]}, local_guide, at_once),
    "masked": case(masked, {"bs": [0.2, -0.6, 0.4]}, at_once(masked_guide)),
    "scaled": case(
        poutine.scale(three, scale=2.5), ABS, poutine.scale(at_once(dependent), scale=2.5), three, 2.5, dependent
    ),
    "rounds": case(rounds, GROUPED, at_once(rounds_guide)),
    "two loops": case(two_loops, GROUPED, at_once(rounds_guide)),
    "two loops in both": case(two_loops, {**GROUPED, "c": 0.3}, at_once(two_loops_guide)),
    "markov chain": case(chain(1), CHAIN, at_once(chain_guide)),
    "in turn, independent": case(three, AB, in_turn(independent)),
    "in turn, dependent": case(three, ABS, in_turn(dependent)),
    "in turn, inverse": case(three, ABS, in_turn(inverse)),
    "in turn, all in the guide": case(three, {**ABS, "c": 0.6}, in_turn(all_three)),
    "in turn, auxiliary": case(three, {**ABS, "u": 0.3}, in_turn(auxiliary)),
    "in turn, rounds": case(rounds, GROUPED, in_turn(rounds_guide)),
    "in turn, two loops": case(two_loops, GROUPED, in_turn(rounds_guide)),
    "in turn, markov chain": case(chain(1), CHAIN, in_turn(chain_guide)),
    "in turn, then at once": case(three, ABS, a_in_turn),
    "at once, then in turn": case(three, ABS, b_in_turn),
    "one in turn, slots at once": case(
        grouped,
        GROUPED,
        config_enumerate(
            poutine.infer_config(grouped_guide, config_fn=lambda site: IN_TURN["infer"] if site.name == "a" else {})
        ),
    ),
}
