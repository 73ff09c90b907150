"""Chains whose steps are stated at once: one case for each shape of dependence, in time and in plates.

Brute force runs the same programs step by step, one assignment at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

import virgil
from tests.exact.binary import flip, param
from tests.exact.enumeration import case
from tests.exact.enumeration_models import (
    CUBE,
    KEEP,
    LOCS2,
    LOCS3,
    LOGITS2,
    LOGITS3,
    MOVES2,
    MOVES3,
    TABLE,
    X24,
    X,
    pick,
    see,
)
from tests.exact.enumeration_plates import HALF_SLOTS, TWICE
from virgil import poutine
from virgil.infer import config_enumerate
from virgil.ops.indexing import Vindex

Program = Callable[[], object]


def steps(size, dim=-1, history=1, name="time"):
    return virgil.vectorized_markov(name, size, dim, history)


def is_early(t, history=1):
    return isinstance(t, int) and t < history


def hmm(size) -> Program:
    @config_enumerate
    def model():
        state = None
        for t in steps(size):
            state = pick(f"z_{t}", param("logits") if state is None else param("moves")[state])
            see(f"x_{t}", param("locs")[state], X[t])

    return model


def looking_back(size, history, back) -> Program:
    """Each state depends on the last and on that so many steps before."""

    @config_enumerate
    def model():
        past = [torch.tensor(0)] * history
        for t in steps(size, history=history):
            logits = param("logits") if is_early(t, history) else param("cube")[past[-back], past[-1]]
            past = [*past[1:], pick(f"z_{t}", logits)]
            see(f"x_{t}", param("locs")[past[-1]] + 0.3 * past[-2], X[t])

    return model


@config_enumerate
def only_two_back():
    """Even and odd steps are chains of their own, that of the step between does not matter."""
    before, state = torch.tensor(0), torch.tensor(1)
    for t in steps(5, history=2):
        before, state = state, pick(f"z_{t}", param("moves")[before])
        see(f"x_{t}", param("locs")[state], X[t])


@config_enumerate
def no_history():
    for t in steps(4, history=0):
        z = pick(f"z_{t}", param("logits"))
        see(f"x_{t}", param("locs")[z], X[t])


@config_enumerate
def independent_states():
    """Only the observation depends on two steps."""
    state = torch.tensor(0)
    for t in steps(4):
        before, state = state, pick(f"z_{t}", param("logits"))
        see(f"x_{t}", param("table")[before, state], X[t])


@config_enumerate
def forbidden():
    """From the first state on to the second, and never back."""
    state = None
    moves = torch.where(torch.tensor([[True, True], [False, True]]), param("moves"), -torch.inf)
    for t in steps(5):
        state = pick(f"z_{t}", param("logits") if state is None else moves[state])
        see(f"x_{t}", param("locs")[state], X[t])


@config_enumerate
def by_step():
    """Every step has transitions and a scale of its own."""
    state = torch.tensor(0)
    for t in steps(4):
        state = pick(f"z_{t}", Vindex(param("moves_of")[t])[..., state, :])
        see(f"x_{t}", param("locs")[state], X[t], param("scales").exp()[t])


# several variables a step


@config_enumerate
def factorial():
    left, right = torch.tensor(0), torch.tensor(0)
    for t in steps(3):
        left = pick(f"l_{t}", param("left")[left])
        right = pick(f"r_{t}", param("right")[right])
        see(f"x_{t}", param("table")[left, right], X[t])


@config_enumerate
def coupled():
    """Two variables of two and of three values, each of which depends on both of the step before."""
    left, right = torch.tensor(0), torch.tensor(1)
    for t in steps(3):
        new = pick(f"l_{t}", param("left")[left] + 0.5 * right.unsqueeze(-1) * torch.tensor([1.0, 0.0]))
        right = pick(f"r_{t}", param("three")[right] + 0.4 * left.unsqueeze(-1) * torch.tensor([1.0, 0.0, -1.0]))
        left = new
        see(f"x_{t}", param("table")[left, 0] + 0.8 * right, X[t])


@config_enumerate
def of_two_memories():
    """One variable looks one step back and the other one two."""
    left, right, early = torch.tensor(0), torch.tensor(0), torch.tensor(1)
    for t in steps(4, history=2):
        left = pick(f"l_{t}", param("left")[left])
        early, right = right, pick(f"r_{t}", param("cube")[early, right])
        see(f"x_{t}", param("table")[left, right], X[t])


@config_enumerate
def apart():
    """Two chains that nothing connects."""
    left, right = torch.tensor(0), torch.tensor(0)
    for t in steps(4):
        left = pick(f"l_{t}", param("left")[left])
        right = pick(f"r_{t}", param("right")[right])
        see(f"x_{t}", param("locs")[left], X[t])
        see(f"y_{t}", param("locs")[right], X[-t])


@config_enumerate
def with_a_local_one():
    """A variable of the step alone between state and observation; its name says the step twice."""
    state = torch.tensor(0)
    for t in steps(3):
        state = pick(f"z_{t}", param("moves")[state])
        kind = pick(f"kind_{t}_of_{t}", param("left")[state])
        see(f"x_{t}", param("table")[state, kind], X[t])


# plates


@config_enumerate
def sequences():
    """Two sequences around the loop, the second of length one."""
    data, state = X[:6].reshape(3, 2), torch.tensor(0)
    with virgil.plate("sequences", 2, dim=-1):
        for t in steps(3, dim=-2):
            with poutine.mask(mask=KEEP.T[t]):
                state = pick(f"z_{t}", param("moves")[state])
                see(f"x_{t}", param("locs")[state], data[t])


def rows(plate, data) -> Program:
    """Sequences in a plate left of the steps."""

    @config_enumerate
    def model():
        state = torch.tensor(0)
        with plate():
            for t in steps(2, dim=-1):
                state = pick(f"z_{t}", param("moves")[state])
                see(f"x_{t}", param("locs")[state], data[..., [t] if isinstance(t, int) else t])

    return model


@config_enumerate
def plate_inside():
    """The plate of the sequences is entered anew in each step, below one variable."""
    top, state = pick("top", param("logits")), torch.tensor(0)
    plate = virgil.plate("sequences", 2, dim=-1)
    data = X[:6].reshape(3, 2)
    for t in steps(3, dim=-2):
        with plate:
            state = pick(f"z_{t}", param("cube")[top, state])
            see(f"x_{t}", param("locs")[state], data[t])


def observed_in(size, plate, data) -> Program:
    """Several observations a step, with a variable for each, all below one state."""

    @config_enumerate
    def model():
        state, slots = torch.tensor(0), plate()
        for t in steps(size, dim=-2):
            state = pick(f"z_{t}", param("moves")[state])
            with slots:
                kind = pick(f"kind_{t}", param("left")[state])
                see(f"x_{t}", param("table")[state, kind], data)

    return model


@config_enumerate
def plates_by_step():
    """A plate of each step's own; the observation in it depends on the step before alone."""
    state = torch.tensor(0)
    for t in steps(3, dim=-2):
        before, state = state, pick(f"z_{t}", param("moves")[state])
        with virgil.plate(f"data_{t}", 2, dim=-1):
            see(f"x_{t}", param("locs")[before], X[:2])


# beside other statements


@config_enumerate
def below_one():
    top, state = pick("top", param("logits")), None
    for t in steps(4):
        state = pick(f"z_{t}", param("left")[top] if state is None else param("cube")[top, state])
        see(f"x_{t}", param("table")[top, state], X[t])


@config_enumerate
def two_loops():
    top = pick("top", param("logits"))
    for name in "ab":
        state = top
        for t in steps(3, name=name):
            state = pick(f"{name}_{t}", param("moves")[state])
            see(f"x_{name}_{t}", param("locs")[state], X[t])


@config_enumerate
def inside_a_chain():
    """In every step of a chain that is not vectorised, one that is."""
    state = torch.tensor(0)
    for s in virgil.markov(range(2)):
        state = pick(f"z_{s}", param("moves")[state])
        inner = state
        for t in steps(3, name=f"inner_{s}"):
            inner = pick(f"y_{s}_{t}", param("moves")[inner])
            see(f"x_{s}_{t}", param("locs")[inner], X[2 * s + t])


@config_enumerate
def rounds():
    """A chain in every round of an iterated plate, below one variable."""
    top = pick("top", param("logits"))
    for i in virgil.plate("rounds", 2):
        state = top
        for t in steps(3, name=f"time_{i}"):
            state = pick(f"z_{i}_{t}", param("moves")[state])
            see(f"x_{i}_{t}", param("locs")[state], X[t + i])


@config_enumerate
def scaled_data():
    state = torch.tensor(0)
    for t in steps(4):
        state = pick(f"z_{t}", param("moves")[state])
        with poutine.scale(scale=2.5):
            see(f"x_{t}", param("locs")[state], X[t])


@config_enumerate
def data_scaled_by_step():
    state = torch.tensor(0)
    for t in steps(4):
        state = pick(f"z_{t}", param("moves")[state])
        with poutine.scale(scale=torch.tensor([2.5, 0.5, 1.0, 2.0])[t]):
            see(f"x_{t}", param("locs")[state], X[t])


@config_enumerate
def in_the_guide():
    """The guide has the variable above the chain."""
    top, state = flip("top", torch.tensor(0.4)).long(), torch.tensor(0)
    for t in steps(4):
        state = pick(f"z_{t}", param("cube")[top, state])
        see(f"x_{t}", param("locs")[state] + top, X[t])


@config_enumerate
def top_guide():
    flip("top", param("top"))


def plate_of(size, **options):
    return lambda: virgil.plate("data", size, **options)


HMM = {"logits": LOGITS2, "moves": MOVES2, "locs": LOCS2}
MOVING = {"moves": MOVES2, "locs": LOCS2}
BACK = {"logits": LOGITS2, "cube": CUBE, "locs": LOCS2}
INSIDE = {"moves": MOVES2, "left": MOVES2, "table": TABLE}
PAIR = {"left": MOVES2, "right": [[0.1, 0.5], [-0.7, 0.2]], "table": TABLE}

CHAINS = {
    "hmm of 1": case(hmm(1), {"logits": LOGITS2, "locs": LOCS2}),
    **{f"hmm of {size}": case(hmm(size), HMM) for size in (2, 3, 4, 6)},
    "hmm of three states": case(hmm(4), {"logits": LOGITS3, "moves": MOVES3, "locs": LOCS3}),
    "second order of 1": case(looking_back(1, 2, 2), {"logits": LOGITS2, "locs": LOCS2}),
    "second order of 2": case(looking_back(2, 2, 2), {"logits": LOGITS2, "locs": LOCS2}),
    **{f"second order of {size}": case(looking_back(size, 2, 2), BACK) for size in (3, 4, 6)},
    **{f"third order of {size}": case(looking_back(size, 3, 3), BACK) for size in (4, 6)},
    "longer history than needed": case(looking_back(5, 3, 2), BACK),
    "only two back": case(only_two_back, MOVING),
    "no history": case(no_history, {"logits": LOGITS2, "locs": LOCS2}),
    "independent states": case(independent_states, {"logits": LOGITS2, "table": TABLE}),
    "forbidden": case(forbidden, HMM),
    "by step": case(by_step, {"moves_of": [MOVES2, *CUBE, MOVES2], "locs": LOCS2, "scales": [0.1, -0.2, 0.3, 0.0]}),
    "factorial": case(factorial, PAIR),
    "coupled": case(coupled, {"left": MOVES2, "three": MOVES3, "table": TABLE}),
    "of two memories": case(of_two_memories, {"left": MOVES2, "cube": CUBE, "table": TABLE}),
    "apart": case(apart, {"left": MOVES2, "right": PAIR["right"], "locs": LOCS2}),
    "with a local one": case(with_a_local_one, INSIDE),
    "sequences": case(sequences, MOVING),
    "plate inside": case(plate_inside, {"logits": LOGITS2, "cube": CUBE, "locs": LOCS2}),
    "rows": case(rows(plate_of(2, dim=-2), X24[:, :2]), MOVING),
    "rows of a mini-batch": case(
        rows(plate_of(4, subsample=HALF_SLOTS, dim=-2), X[:2]),
        MOVING,
        reference=rows(plate_of(2, dim=-2), X[:2]),
        power=2.0,
    ),
    "observed in a plate": case(observed_in(3, plate_of(2, dim=-1), X[:2]), INSIDE),
    "observed in a mini-batch": case(
        observed_in(2, plate_of(4, subsample=HALF_SLOTS, dim=-1), X[HALF_SLOTS]),
        INSIDE,
        reference=observed_in(2, plate_of(4, dim=-1), TWICE),
    ),
    "plates by step": case(plates_by_step, MOVING),
    "below one": case(below_one, {"logits": LOGITS2, "left": MOVES2, "cube": CUBE, "table": TABLE}),
    "two loops": case(two_loops, HMM),
    "inside a chain": case(inside_a_chain, MOVING),
    "rounds": case(rounds, HMM),
    "scaled": case(poutine.scale(hmm(4), scale=2.5), HMM, reference=hmm(4), power=2.5),
    "scaled data": case(scaled_data, MOVING),
    "data scaled by step": case(data_scaled_by_step, MOVING),
    "below one of the guide": case(in_the_guide, {"cube": CUBE, "locs": LOCS2, "top": 0.3}, top_guide),
}
