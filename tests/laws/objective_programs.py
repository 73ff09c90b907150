"""The table of programs for objectives: small ones whose exact loss is found by brute force, in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_guides import (
    at_once,
    chain,
    chain_guide,
    in_turn,
    masked,
    masked_guide,
    rounds,
    rounds_guide,
    uniform,
)
from tests.exact.enumeration_models import X, see
from tests.exact.estimates import Case
from virgil import poutine
from virgil.infer import config_enumerate

EVERY = ("none", "model", "guide", "both")
OF_THE_MODEL = ("model", "both")


@dataclass
class Program:
    """A case, and the ways of summing out that find all they need in it.

    Attributes:
        case: model, guide, parameters and exact loss.
        sums: names of ``sum_out``.
        replays: whether one draw of the guide has one value at each site, so that it can be run again.
    """

    case: Case
    sums: tuple[str, ...] = EVERY
    replays: bool = True


def normal(name, loc):
    return virgil.sample(name, dist.Normal(loc, param("log_scale").exp()))


def standard(name):
    return virgil.sample(name, dist.Normal(torch.zeros(()), 1.0))


# the guide states everything


@config_enumerate
def one_normal():
    see("x", standard("w"), X[0])


def one_normal_guide():
    normal("w", param("loc"))


@config_enumerate
def mixed():
    a = uniform("a")
    w = virgil.sample("w", dist.Normal(1.2 * a - 0.5, 1.0))
    see("x", w + 0.3 * a, X[0])


def mixed_guide():
    a = flip("a", param("a"))
    normal("w", param("loc") + param("slope") * a)


def mixed_inverse_guide():
    """The model states ``a`` before ``w``, the guide after it."""
    w = normal("w", param("loc"))
    flip("a", param("a") + param("slope") * w)


def auxiliary_guide():
    u = flip("u", param("a"), infer={"is_auxiliary": True})
    normal("w", param("loc") + param("slope") * u)


@config_enumerate
def slots():
    w = standard("w")
    with virgil.plate("data", 2):
        b = flip("b", w)
        c = flip("c", 0.8 * b - 0.2)
        see("x", w + 2 * b - c, X[:2])


def slots_guide():
    w = normal("w", param("loc"))
    with virgil.plate("data", 2):
        b = flip("b", param("bs") + w)
        flip("c", param("c") - b)


@config_enumerate
def local():
    b = uniform("b")
    w = virgil.sample("w", dist.Normal(0.8 * b - 0.3, 1.0))
    see("x", w - b, X[:1])


def local_guide():
    b = flip("b", param("a"))
    normal("w", param("loc") + param("slope") * b)


def plated(program, size, taken):
    """The program in a plate of which it takes these slots."""

    def run():
        with virgil.plate("data", size, subsample=torch.tensor(taken)):
            program()

    return run


# the model sums some out


@config_enumerate
def summed_below():
    w = standard("w")
    a = flip("a", w)
    see("x", w + 2 * a, X[0])


@config_enumerate
def summed_above():
    """The variable that the guide states depends on one that is summed out."""
    m = uniform("m")
    w = virgil.sample("w", dist.Normal(m, 1.0))
    see("x", w, X[0])


@config_enumerate
def summed_beside():
    """What is summed out comes first, but only the observation depends on it."""
    m = uniform("m")
    see("x", standard("w") + 2 * m, X[0])


@config_enumerate
def slots_summed():
    a = uniform("a")
    w = virgil.sample("w", dist.Normal(a, 1.0))
    with virgil.plate("data", 2):
        c = flip("c", w - 0.5 * a)
        see("x", w - c, X[:2])


NORMAL = {"loc": 0.3, "log_scale": -0.4}
MIXED = {**NORMAL, "a": 0.4, "slope": 0.9}
SLOTS = {**NORMAL, "bs": [0.2, -0.6], "c": 0.3}
GROUPED = {"a": 0.4, "bs": [0.2, -0.6, 0.5], "slope": 1.2}
CHAIN = {"logits": [0.2, -0.6, 0.5, 0.1], "slope": 0.8}
ONE_OF_THREE = plated(local, 3, [1]), at_once(plated(local_guide, 3, [1]))
SCALED = poutine.scale(mixed, scale=2.5), poutine.scale(at_once(mixed_guide), scale=2.5)

PROGRAMS = {
    "normal": Program(case(one_normal, NORMAL, at_once(one_normal_guide))),
    "mixed": Program(case(mixed, MIXED, at_once(mixed_guide))),
    "inverse": Program(case(mixed, MIXED, at_once(mixed_inverse_guide))),
    "in turn": Program(case(mixed, MIXED, in_turn(mixed_guide)), replays=False),
    "several draws": Program(case(mixed, MIXED, config_enumerate(mixed_guide, num_samples=3)), replays=False),
    "auxiliary": Program(case(one_normal, MIXED, at_once(auxiliary_guide))),
    "scaled": Program(case(SCALED[0], MIXED, SCALED[1], mixed, 2.5, mixed_guide)),
    "slots": Program(case(slots, SLOTS, at_once(slots_guide))),
    "mini-batch": Program(
        case(ONE_OF_THREE[0], MIXED, ONE_OF_THREE[1], plated(local, 1, [0]), 3.0, plated(local_guide, 1, [0]))
    ),
    "masked": Program(case(masked, {"bs": [0.2, -0.6, 0.4]}, at_once(masked_guide))),
    "rounds": Program(case(rounds, GROUPED, at_once(rounds_guide))),
    "summed below": Program(case(summed_below, NORMAL, one_normal_guide), OF_THE_MODEL),
    "summed above": Program(case(summed_above, NORMAL, one_normal_guide), OF_THE_MODEL),
    "summed beside": Program(case(summed_beside, NORMAL, one_normal_guide), OF_THE_MODEL),
    "slots summed": Program(case(slots_summed, MIXED, at_once(mixed_guide)), OF_THE_MODEL),
    "chain": Program(case(chain(1), CHAIN, at_once(chain_guide)), OF_THE_MODEL),
}
