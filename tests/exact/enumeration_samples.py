"""Guides whose variables have several draws each, alone and beside others that are enumerated, chosen or drawn once."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact import enumeration_draws as draws
from tests.exact import enumeration_guides as guides
from tests.exact.binary import flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_draws import NORMAL, normal, normal_first, normal_last, with_normal
from tests.exact.enumeration_guides import CHAIN, EACH, GROUPED, IN_TURN, grouped, of_a_batch, three, uniform
from tests.exact.enumeration_models import X, see
from virgil.infer import config_enumerate

ABS = {"a": 1.3, "b": -0.3, "slope": 1.2}  # where no derivative is small
ABC = {**ABS, "c": 0.6}
SEVERAL = {"infer": {"enumerate": "parallel", "num_samples": 3}}


def several(guide):
    return config_enumerate(guide, num_samples=3)


def two_ways(first, second):
    def guide():
        a = flip("a", param("a"), **first)
        flip("b", param("b") + param("slope") * a, **second)

    return guide


def three_ways(first, second, third):
    def guide():
        a = flip("a", param("a"), **first)
        b = flip("b", param("b") + param("slope") * a, **second)
        flip("c", param("c") - b + 0.4 * a, **third)

    return guide


@config_enumerate
def apart():
    """Only the guide connects the two."""
    a, b = uniform("a"), uniform("b")
    see("x", 2 * a, X[0])
    see("y", 3 * b, X[1])


def auxiliary_between():
    a = flip("a", param("a"), **SEVERAL)
    c = flip("c", param("c") - a, infer={"is_auxiliary": True})
    flip("b", param("b") + param("slope") * (a - c), **IN_TURN)


# continuous ones


@config_enumerate
def two_normals():
    v = virgil.sample("v", dist.Normal(torch.zeros(()), 1.0))
    w = virgil.sample("w", dist.Normal(0.5 * v, 1.0))
    a = flip("a", v * w)
    see("x", v + w - a, X[0])


def two_normals_guide():
    v = virgil.sample("v", dist.Normal(param("loc"), 0.7))
    virgil.sample("w", dist.Normal(param("slope") * v, param("log_scale").exp()))


@config_enumerate
def normal_slots():
    a = uniform("a")
    with virgil.plate("data", 2):
        w = virgil.sample("w", dist.Normal(a - 0.5, 1.0))
        c = flip("c", w)
        see("x", w + c, X[:2])


def normal_slots_guide():
    a = flip("a", param("a"))
    with virgil.plate("data", 2):
        virgil.sample("w", dist.Normal(param("locs") + param("slope") * a, 0.6))


# plates


def slots(first, second):
    def guide():
        a = flip("a", param("a"), **first)
        with virgil.plate("data", 3):
            flip("b", param("bs") + param("slope") * a, **second)

    return guide


@config_enumerate
def outside():
    """What is outside the plate depends on all of its slots."""
    with virgil.plate("data", 2):
        z = uniform("z")
        see("y", 2 * z, X[:2])
    m = flip("m", z.sum(-1, keepdim=True) - 1)
    see("x", z.sum(-1, keepdim=True) + m, X[2])


def outside_guide():
    with virgil.plate("data", 2):
        flip("z", param("z"))


def joined_guide(z_way, u_way, v_way):
    def guide():
        plate = virgil.plate("data", 2)
        with plate:
            z = flip("z", param("z"), **z_way)
            flip("y", param("y") + z, **SEVERAL)
        u = flip("u", param("slope") * (z.sum(-1, keepdim=True) - 1), **u_way)
        with plate:
            flip("v", param("v") + 2 * u, **v_way)

    return guide


def local_two_guide(first, second):
    def guide():
        b = flip("b", param("bs"), **first)
        flip("d", param("d") + b, **second)

    return guide


def chain_guide():
    """A draw depends on all before it, which therefore are in its history."""
    state = torch.zeros(())
    for t in virgil.markov(range(4), history=4):
        state = flip(f"z_{t}", param("logits")[t] + param("slope") * state)


BATCH = {"bs": [0.2, -0.6], "d": 0.3}
JOINED = {"z": [0.3, -0.5], "y": 0.1, "slope": 1.5, "v": [0.2, -0.8]}

SAMPLED = {
    "independent": case(three, guides.AB, several(guides.independent)),
    "dependent": case(three, ABS, several(guides.dependent)),
    "inverse": case(three, ABS, several(guides.inverse)),
    "all in the guide": case(three, ABC, several(guides.all_three)),
    "auxiliary": case(three, {**ABS, "u": 0.3}, several(guides.auxiliary)),
    "then each": case(three, ABS, two_ways(SEVERAL, EACH)),
    "each, then several": case(three, ABS, two_ways(EACH, SEVERAL)),
    "one draw, then several": case(three, ABS, two_ways({}, SEVERAL)),
    "several, then one draw": case(three, ABS, two_ways(SEVERAL, {})),
    "in turn, then several": case(three, ABS, two_ways(IN_TURN, SEVERAL)),
    "several, then in turn": case(three, ABS, two_ways(SEVERAL, IN_TURN)),
    "apart, then in turn": case(apart, ABS, two_ways(SEVERAL, IN_TURN)),
    "apart, then each": case(apart, ABS, two_ways(SEVERAL, EACH)),
    "apart, one draw between": case(apart, ABC, auxiliary_between),
    "several, one draw, several": case(three, ABC, three_ways(SEVERAL, {}, SEVERAL)),
    "several, each, one draw": case(three, ABC, three_ways(SEVERAL, EACH, {})),
    "several, in turn, several": case(three, ABC, three_ways(SEVERAL, IN_TURN, SEVERAL)),
    "several, each, in turn": case(three, ABC, three_ways(SEVERAL, EACH, IN_TURN)),
    "normal": case(with_normal, {"loc": 0.3, "log_scale": -0.4}, several(lambda: normal(param("loc")))),
    "normal, then several": case(with_normal, NORMAL, several(normal_first({}))),
    "normal, then each": case(with_normal, NORMAL, several(normal_first(EACH))),
    "several, then normal": case(with_normal, NORMAL, several(normal_last({}))),
    "each, then normal": case(with_normal, NORMAL, several(normal_last(EACH))),
    "two normals": case(two_normals, {"loc": 0.2, "slope": 0.6, "log_scale": -0.3}, several(two_normals_guide)),
    "normal slots": case(
        normal_slots,
        {"a": 0.3, "locs": [0.2, -0.3], "slope": 0.5},
        several(normal_slots_guide),
        particles=100,
        batches=100,
    ),
    "plate": case(grouped, GROUPED, several(guides.grouped_guide)),
    "slots, below each": case(grouped, GROUPED, slots(EACH, SEVERAL)),
    "slots, below one draw": case(grouped, GROUPED, slots({}, SEVERAL)),
    "slots, below one in turn": case(grouped, GROUPED, slots(IN_TURN, SEVERAL)),
    "above slots of one draw": case(grouped, GROUPED, slots(SEVERAL, {})),
    "above slots of each": case(grouped, GROUPED, slots(SEVERAL, EACH)),
    "slots, model sums above": case(grouped, {"bs": [0.2, -0.6, 0.5]}, several(draws.only_slots)),
    "outside of its plate": case(outside, {"z": [0.3, -0.5]}, several(outside_guide)),
    "mini-batch": of_a_batch(guides.local, {"bs": [0.2, -0.6]}, guides.local_guide, several),
    "mini-batch, each below": of_a_batch(draws.local_two, BATCH, local_two_guide(SEVERAL, EACH)),
    "mini-batch, below each": of_a_batch(draws.local_two, BATCH, local_two_guide(EACH, SEVERAL)),
    "mini-batch, below one draw": of_a_batch(draws.local_two, BATCH, local_two_guide({}, SEVERAL)),
    "mini-batch, above one draw": of_a_batch(draws.local_two, BATCH, local_two_guide(SEVERAL, {})),
    "masked": case(guides.masked, {"bs": [0.2, -0.6, 0.4]}, several(guides.masked_guide)),
    "joined": case(draws.joined, JOINED, joined_guide(SEVERAL, SEVERAL, SEVERAL)),
    "joined by one draw": case(draws.joined, JOINED, joined_guide(SEVERAL, {}, {})),
    "joined by each": case(draws.joined, JOINED, joined_guide(SEVERAL, EACH, SEVERAL)),
    "rounds": case(guides.rounds, GROUPED, several(guides.rounds_guide)),
    "rounds, below each": case(guides.rounds, GROUPED, draws.rounds_drawn(EACH, SEVERAL)),
    "rounds, above one draw": case(guides.rounds, GROUPED, draws.rounds_drawn(SEVERAL, {})),
    "markov chain": case(guides.chain(4), CHAIN, config_enumerate(chain_guide, num_samples=2)),
}
