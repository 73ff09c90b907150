"""Guides that enumerate variables of a plate one value after another, which takes one execution for each value."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_draws import local_two, normal
from tests.exact.enumeration_guides import (
    EACH,
    GROUPED,
    IN_TURN,
    grouped,
    grouped_guide,
    in_turn,
    local,
    local_guide,
    masked,
    masked_guide,
    of_a_batch,
    uniform,
)
from tests.exact.enumeration_models import MOVES3, X24, X, pick, see
from virgil import poutine
from virgil.infer import config_enumerate

# one plate


def below_one(first, second):
    def guide():
        a = flip("a", param("a"), **first)
        with virgil.plate("data", 3):
            flip("b", param("bs") + param("slope") * a, **second)

    return guide


def two_in_a_slot(first, second):
    """The second variable of a slot depends on the first."""

    def guide():
        b = flip("b", param("bs"), **first)
        flip("d", param("d") + b, **second)

    return guide


@config_enumerate
def of_three_values():
    with virgil.plate("data", 2):
        k = pick("k", torch.zeros(3))
        m = flip("m", k - 0.7)
        see("x", k - 0.5 * m, X[:2])


def of_three_values_guide():
    with virgil.plate("data", 2):
        k = pick("k", param("k"))
        flip("m", param("slope") * k)


@config_enumerate
def entered_twice():
    plate = virgil.plate("data", 2)
    with plate:
        b = uniform("b")
    see("y", 0.3, X[4])
    with plate:
        d = flip("d", b - 0.3)
        see("x", b - d, X[:2])


def entered_twice_guide():
    plate = virgil.plate("data", 2)
    with plate:
        b = flip("b", param("bs"))
    with plate:
        flip("d", param("d") + b)


# several plates


def nested():
    with virgil.plate("groups", 2, dim=-2):
        g = uniform("g")
        with virgil.plate("data", 2, dim=-1):
            z = flip("z", 1.2 * g - 0.4)
            see("x", z + g, X24[:, :2])


@config_enumerate
def nested_sum():
    with virgil.plate("groups", 1, dim=-2):
        g = uniform("g")
        with virgil.plate("data", 2, dim=-1):
            z = flip("z", 1.2 * g - 0.4)
            m = flip("m", z - 0.2 * g)
            see("x", z + g - m, X24[:1, :2])


def nested_guide(first, second, groups=2):
    def guide():
        with virgil.plate("groups", groups, dim=-2):
            g = flip("g", param("g"), **first)
            with virgil.plate("data", 2, dim=-1):
                flip("z", param("z") + g, **second)

    return guide


@config_enumerate
def siblings():
    top = uniform("top")
    with virgil.plate("rows", 2, dim=-2):
        r = flip("r", top - 0.2)
        see("x_r", r + top, X[:2].unsqueeze(-1))
    with virgil.plate("columns", 3, dim=-1):
        c = flip("c", 0.4 - top)
        see("x_c", c - top, X[2:5])


def siblings_guide():
    top = flip("top", param("top"))
    with virgil.plate("rows", 2, dim=-2):
        flip("r", param("r") + top)
    with virgil.plate("columns", 3, dim=-1):
        flip("c", param("c") - top)


@config_enumerate
def slots_in_rounds():
    plate = virgil.plate("data", 2)
    for i in virgil.plate("rounds", 2):
        with plate:
            z = uniform(f"z_{i}")
            m = flip(f"m_{i}", z - 0.2)
            see(f"x_{i}", z - m, X24[i, :2])


def slots_in_rounds_guide():
    plate = virgil.plate("data", 2)
    for i in virgil.plate("rounds", 2):
        with plate:
            flip(f"z_{i}", param("z")[i])


def chain_in_a_plate(step):
    def program():
        state = torch.zeros(())
        with virgil.plate("data", 2):
            for t in virgil.markov(range(2)):
                state = step(t, state)

    return program


def chain_step(t, state):
    state = flip(f"z_{t}", 1.5 * state - 0.5)
    m = flip(f"m_{t}", state - 0.2)
    see(f"x_{t}", 2 * state - m, X24[t, :2])
    return state


def chain_step_guide(t, state):
    return flip(f"z_{t}", param("z")[t] + param("slope") * state)


BATCH = {"bs": [0.2, -0.6], "d": 0.3}
NESTED = {"g": [[0.2], [-0.5]], "z": [[0.4, -0.3], [0.0, 0.6]]}

SLOTS_IN_TURN = {
    "below one in turn": case(grouped, GROUPED, in_turn(grouped_guide)),
    "below one at once": case(grouped, GROUPED, below_one(EACH, IN_TURN)),
    "mini-batch": of_a_batch(local, {"bs": [0.2, -0.6]}, local_guide, in_turn),
    "masked": case(masked, {"bs": [0.2, -0.6, 0.4]}, in_turn(masked_guide)),
    "scaled": case(
        poutine.scale(grouped, scale=2.5),
        GROUPED,
        poutine.scale(in_turn(grouped_guide), scale=2.5),
        grouped,
        2.5,
        grouped_guide,
    ),
    "two in turn": of_a_batch(local_two, BATCH, two_in_a_slot(IN_TURN, IN_TURN)),
    "in turn, then at once": of_a_batch(local_two, BATCH, two_in_a_slot(IN_TURN, EACH)),
    "at once, then in turn": of_a_batch(local_two, BATCH, two_in_a_slot(EACH, IN_TURN)),
    "three values": case(of_three_values, {"k": MOVES3[:2], "slope": 0.8}, in_turn(of_three_values_guide)),
    "a plate entered twice": case(entered_twice, BATCH, in_turn(entered_twice_guide)),
    "nested": case(nested, NESTED, nested_guide(IN_TURN, IN_TURN)),
    "nested, the outer at once": case(nested, NESTED, nested_guide(EACH, IN_TURN)),
    "nested, the inner at once": case(nested, NESTED, nested_guide(IN_TURN, EACH)),
    "nested, the model sums": case(
        nested_sum, {"g": [[0.2]], "z": [[0.4, -0.3]]}, nested_guide(IN_TURN, IN_TURN, groups=1)
    ),
    "siblings": case(siblings, {"top": 0.3, "r": [[0.2], [-0.5]], "c": [0.7, -0.1, 0.4]}, in_turn(siblings_guide)),
    "slots in rounds": case(slots_in_rounds, {"z": [[0.4, -0.3], [0.0, 0.6]]}, in_turn(slots_in_rounds_guide)),
    "chain in a plate": case(
        config_enumerate(chain_in_a_plate(chain_step)),
        {"z": [[0.4, -0.3], [0.0, 0.6]], "slope": 0.8},
        in_turn(chain_in_a_plate(chain_step_guide)),
    ),
}


# some drawn


def with_globals():
    w = virgil.sample("w", dist.Normal(torch.zeros(()), 1.0))
    u = uniform("u")
    with virgil.plate("data", 2):
        b = flip("b", 0.3)
        d = flip("d", b - 0.4 * u)
        see("x", 2 * b + d + w - u, X[:2])


def with_globals_guide():
    """What is drawn after the slots depends on none of them, and all that is drawn counts once."""
    plate = virgil.plate("data", 2)
    with plate:
        b = flip("b", param("bs"), **IN_TURN)
    normal(param("loc"))
    flip("u", param("u"))
    with plate:
        flip("d", param("d") + b)


def with_normals():
    with virgil.plate("data", 2):
        b = uniform("b")
        w = virgil.sample("w", dist.Normal(b, 1.0))
        see("x", w + b, X[:2])


def with_normals_guide():
    with virgil.plate("data", 2):
        b = flip("b", param("bs"), **IN_TURN)
        virgil.sample("w", dist.Normal(param("loc") + param("slope") * b, param("log_scale").exp()))


SLOTS_IN_TURN_DRAWN = {
    "slots in turn, then drawn": of_a_batch(local_two, BATCH, two_in_a_slot(IN_TURN, {})),
    "slots drawn, then in turn": of_a_batch(local_two, BATCH, two_in_a_slot({}, IN_TURN)),
    "slots in turn below one drawn": case(grouped, GROUPED, below_one({}, IN_TURN)),
    "slots in turn among globals": case(
        with_globals, {"bs": [0.2, -0.6], "loc": 0.1, "log_scale": -0.4, "u": -0.2, "d": 0.3}, with_globals_guide
    ),
    "slots in turn, normal below": case(
        with_normals, {"bs": [0.2, -0.6], "loc": [0.1, 0.3], "slope": 0.9, "log_scale": -0.4}, with_normals_guide
    ),
}
