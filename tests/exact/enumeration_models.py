"""Models whose discrete variables are all summed out: one case for each shape of dependence in time and in space."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import param
from tests.exact.enumeration import case
from virgil import poutine
from virgil.infer import config_enumerate

X = torch.tensor([1.5, -0.5, 0.7, 2.0, -1.2, 0.1, 0.9, -0.3], dtype=torch.float64)
X24 = X.reshape(2, 4)
START = torch.tensor(0)
KEEP = torch.tensor([[True, True, True], [True, False, False]])

LOCS3, LOCS2 = [-1.0, 0.4, 2.0], [-0.7, 1.3]
LOGITS3, LOGITS2 = [0.2, -0.4, 0.3], [0.5, -0.1]
MOVES2 = [[0.3, -0.8], [-0.2, 0.9]]
MOVES3 = [[0.3, -0.8, 0.1], [-0.2, 0.9, 0.5], [0.0, -0.6, 1.1]]
CUBE = [[[0.3, -0.8], [-0.2, 0.9]], [[1.1, 0.4], [-0.5, 0.6]]]
TABLE = [[-1.0, 0.4], [0.9, 2.0]]


def pick(name, logits, **options):
    return virgil.sample(name, dist.Categorical(logits=logits), **options)


def see(name, loc, value, scale=1.0):
    virgil.sample(name, dist.Normal(loc, scale), obs=value)


# no plate, one plate


@config_enumerate
def mixture():
    with virgil.plate("data", 4):
        z = pick("z", param("logits"))
        see("x", param("locs")[z], X[:4])


@config_enumerate
def crossed():
    a, b = pick("a", param("logits")), pick("b", param("others"))
    see("x", param("table")[a, b], X[0])


@config_enumerate
def crossed_in_a_plate():
    b = pick("b", param("others"))
    with virgil.plate("data", 3):
        a = pick("a", param("logits"))
        see("x", param("table")[a, b], X[:3])


@config_enumerate
def chain():
    a = pick("a", param("logits"))
    b = pick("b", param("moves")[a])
    c = pick("c", param("moves")[b])
    see("x", param("locs")[c] + 0.3 * a, X[0])
    see("y", param("locs")[a], X[1])


# in time


def hidden_markov(length):
    @config_enumerate
    def hmm():
        state = START
        for t in virgil.markov(range(length)):
            state = pick(f"z_{t}", param("moves")[state])
            see(f"x_{t}", param("locs")[state], X[t])

    return hmm


@config_enumerate
def second_order():
    before, state = START, START
    for t in virgil.markov(range(6), history=2):
        before, state = state, pick(f"z_{t}", param("cube")[before, state])
        see(f"x_{t}", param("locs")[state] + 0.2 * before, X[t])


@config_enumerate
def autoregressive():
    """The observation depends on the step before as well."""
    state = START
    for t in virgil.markov(range(5)):
        before, state = state, pick(f"z_{t}", param("moves")[state])
        see(f"x_{t}", param("table")[before, state], X[t])


@config_enumerate
def factorial():
    left, right = START, START
    for t in virgil.markov(range(3)):
        left = pick(f"l_{t}", param("left")[left])
        right = pick(f"r_{t}", param("right")[right])
        see(f"x_{t}", param("table")[left, right], X[t])


@config_enumerate
def sequences():
    """Two sequences, the second of length one."""
    data, state = X[:6].reshape(2, 3), START
    with virgil.plate("sequences", 2):
        for t in virgil.markov(range(3)):
            with poutine.mask(mask=KEEP[:, t]):
                state = pick(f"z_{t}", param("moves")[state])
                see(f"x_{t}", param("locs")[state], data[:, t])


@config_enumerate
def two_loops():
    """Two chains, one after the other, below one variable."""
    top = pick("top", param("logits"))
    for name in "ab":
        state = top
        for t in virgil.markov(range(3)):
            state = pick(f"{name}_{t}", param("moves")[state])
            see(f"x_{name}_{t}", param("locs")[state], X[t])


@config_enumerate
def loop_in_a_loop():
    """In every step of a chain, a chain of its own."""
    state = START
    for t in virgil.markov(range(2)):
        state = pick(f"z_{t}", param("moves")[state])
        inner = state
        for u in virgil.markov(range(2)):
            inner = pick(f"y_{t}_{u}", param("moves")[inner])
            see(f"x_{t}_{u}", param("locs")[inner], X[2 * t + u])


@config_enumerate
def after_the_loop():
    state = START
    for t in virgil.markov(range(4)):
        state = pick(f"z_{t}", param("moves")[state])
    see("x", param("locs")[state], X[0])
    last = pick("last", param("moves")[state])
    see("y", param("locs")[last], X[1])


@config_enumerate
def tree():
    @virgil.markov
    def node(name, parent, depth):
        state = pick(f"z_{name}", param("moves")[parent])
        see(f"x_{name}", param("locs")[state], X[len(name)])
        for side in "lr" if depth else "":
            node(name + side, state, depth - 1)

    node("t", START, 2)


@config_enumerate
def tree_gathered():
    """A node depends on its parent, and an observation on both of its children: branches are kept."""

    @virgil.markov(keep=True)
    def node(name, parent, depth):
        state = pick(f"z_{name}", param("moves")[parent])
        if not depth:
            return state
        left, right = (node(name + side, state, depth - 1) for side in "lr")
        see(f"x_{name}", param("table")[left, right], X[len(name)])
        return state

    node("t", START, 2)


MODELS = {
    "mixture": case(mixture, {"logits": LOGITS3, "locs": LOCS3}),
    "crossed": case(crossed, {"logits": LOGITS2, "others": LOGITS2, "table": TABLE}),
    "crossed, one in a plate": case(crossed_in_a_plate, {"logits": LOGITS2, "others": [0.1, 0.7], "table": TABLE}),
    "chain": case(chain, {"logits": LOGITS3, "moves": MOVES3, "locs": LOCS3}),
    "hmm": case(hidden_markov(5), {"moves": MOVES3, "locs": LOCS3}),
    "hmm of order 2": case(second_order, {"cube": CUBE, "locs": LOCS2}),
    "autoregressive hmm": case(autoregressive, {"moves": MOVES2, "table": TABLE}),
    "factorial hmm": case(factorial, {"left": MOVES2, "right": MOVES2, "table": TABLE}),
    "sequences of unequal length": case(sequences, {"moves": MOVES2, "locs": LOCS2}),
    "two loops": case(two_loops, {"logits": LOGITS2, "moves": MOVES2, "locs": LOCS2}),
    "loop in a loop": case(loop_in_a_loop, {"moves": MOVES2, "locs": LOCS2}),
    "after the loop": case(after_the_loop, {"moves": MOVES2, "locs": LOCS2}),
    "tree": case(tree, {"moves": MOVES2, "locs": LOCS2}),
    "tree, gathered": case(tree_gathered, {"moves": MOVES2, "table": TABLE}),
}
