"""Hidden Markov models: loops, vectorised ones, coupled, continuous, partly labelled, autoregressive, tied."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil.infer import config_enumerate
from virgil.nn import PyroModule, PyroSample

_labels = torch.tensor([0, 1, 1, 0, 2])
_numbers = torch.tensor([0.2, 1.4, 1.1, -0.3, 0.8])
_start = [0.5, 0.5]
_move = [[0.75, 0.25], [0.375, 0.625]]
_emit = [[0.5, 0.25, 0.25], [0.125, 0.375, 0.5]]


def forward(start, move, log_likelihood):
    """The log-evidence of a chain, by the forward algorithm. Shape: `log_likelihood` (steps, states)."""
    log_alpha = np.log(start) + log_likelihood[0]
    for row in log_likelihood[1:]:
        log_alpha = special.logsumexp(log_alpha[:, None] + np.log(move), 0) + row
    return special.logsumexp(log_alpha)


def dirichlets(rows):
    """The log-density of rows under flat Dirichlet distributions."""
    rows = np.reshape(rows, (-1, np.shape(rows)[-1]))
    return sum(stats.dirichlet.logpdf(row, np.ones(len(row))) for row in rows)


def loop(y):
    """The tutorial's: a loop with `markov`, and tables in plates."""
    with virgil.plate("states", 2):
        move = virgil.sample("move", dist.Dirichlet(torch.ones(2)))
        emit = virgil.sample("emit", dist.Dirichlet(torch.ones(3)))
    x = 0
    for t in virgil.markov(range(len(y))):
        x = virgil.sample(f"x_{t}", dist.Categorical(move[x]), infer={"enumerate": "parallel"})
        virgil.sample(f"y_{t}", dist.Categorical(emit[x]), obs=y[t])


def loop_answer(y, move, emit):
    return Answer(dirichlets(move) + dirichlets(emit) + forward(move[0], move, np.log(emit[:, y].T)))


@config_enumerate
def sequences(y, lengths):
    """Several sequences of their own lengths, padded; steps beyond the end are masked."""
    start = virgil.sample("start", dist.Dirichlet(torch.ones(2)))
    move = virgil.sample("move", dist.Dirichlet(torch.ones(2)).expand([2]).to_event(1))
    with virgil.plate("states", 2):
        loc = virgil.sample("loc", dist.Normal(0.0, 2.0))
    with virgil.plate("sequences", len(y), dim=-1):
        x = None
        for t in virgil.markov(range(y.shape[1])):
            with virgil.poutine.mask(mask=t < lengths):
                x = virgil.sample(f"x_{t}", dist.Categorical(start if x is None else move[x]))
                virgil.sample(f"y_{t}", dist.Normal(loc[x], 0.5), obs=y[:, t])


def sequences_answer(y, lengths, start, move, loc):
    total = dirichlets(start) + dirichlets(move) + stats.norm.logpdf(loc, 0, 2).sum()
    for row, length in zip(y, lengths, strict=True):
        total += forward(start, move, stats.norm.logpdf(row[:length, None], loc, 0.5))
    return Answer(total)


def vectorised(y):
    """All steps at once, with `vectorized_markov`."""
    move = virgil.sample("move", dist.Dirichlet(torch.ones(2)).expand([2]).to_event(1))
    emit = virgil.sample("emit", dist.Dirichlet(torch.ones(3)).expand([2]).to_event(1))
    x = None
    for t in virgil.vectorized_markov("steps", len(y), dim=-1):
        probs = torch.full((2,), 0.5) if x is None else move[x]
        x = virgil.sample(f"x_{t}", dist.Categorical(probs), infer={"enumerate": "parallel"})
        virgil.sample(f"y_{t}", dist.Categorical(emit[x]), obs=y[t])


def vectorised_answer(y, move, emit):
    return Answer(dirichlets(move) + dirichlets(emit) + forward([0.5, 0.5], move, np.log(emit[:, y].T)))


def factorial(y):
    """Two chains side by side that are seen through their sum."""
    stay = virgil.sample("stay", dist.Beta(2.0, 1.0).expand([2]).to_event(1))
    weight = virgil.sample("weight", dist.Normal(torch.tensor([1.0, -1.0]), 1.0).to_event(1))
    a = b = torch.tensor(0.0)
    for t in virgil.markov(range(len(y))):
        infer = {"enumerate": "parallel"}
        a = virgil.sample(f"a_{t}", dist.Bernoulli(a * stay[0] + (1 - a) * (1 - stay[0])), infer=infer)
        b = virgil.sample(f"b_{t}", dist.Bernoulli(b * stay[1] + (1 - b) * (1 - stay[1])), infer=infer)
        virgil.sample(f"y_{t}", dist.Normal(a * weight[0] + b * weight[1], 0.5), obs=y[t])


def factorial_answer(y, stay, weight):
    states = list(itertools.product((0, 1), repeat=2))

    def chance(before, after):
        return np.prod([s if i == j else 1 - s for s, i, j in zip(stay, before, after, strict=True)])

    move = np.array([[chance(i, j) for j in states] for i in states])
    likelihood = stats.norm.logpdf(y[:, None], np.array(states) @ weight, 0.5)
    prior = stats.beta.logpdf(stay, 2, 1).sum() + stats.norm.logpdf(weight, [1, -1]).sum()
    return Answer(prior + forward(move[0], move, likelihood))


def discrete_hmm(y=None, length=5):
    """A distribution of whole sequences; transitions lead to the first value as well."""
    with virgil.plate("states", 2, dim=-1):
        loc = virgil.sample("loc", dist.Normal(0.0, 2.0))
    sticky = virgil.sample("sticky", dist.Normal(1.0, 1.0))
    move = sticky[..., None, None] * torch.eye(2)
    obs = dist.Normal(loc.unsqueeze(-2), 0.5)
    hmm = dist.DiscreteHMM(torch.zeros(2), move.unsqueeze(-3), obs, duration=length)
    virgil.sample("y", hmm, obs=y)


def discrete_hmm_answer(y, loc, sticky):
    move = special.softmax(sticky * np.eye(2), -1)
    prior = stats.norm.logpdf(loc, 0, 2).sum() + stats.norm.logpdf(sticky, 1)
    moments = {"y": (np.full(5, loc.mean()), np.sqrt(0.25 + loc.var()))}  # the start is the stationary distribution
    return Answer(prior + forward([0.5, 0.5], move, stats.norm.logpdf(y[:, None], loc, 0.5)), moments)


def partly_labelled(y, known):
    """Some states are known: an observation where there is one, a sum where not."""
    with virgil.plate("states", 2):
        loc = virgil.sample("loc", dist.Normal(0.0, 1.0))
        scale = virgil.sample("scale", dist.LogNormal(-1.0, 0.5))
    move = torch.tensor(_move)
    x = 0
    for t in virgil.markov(range(len(y))):
        state = known.get(t)
        options = {"enumerate": "parallel"} if state is None else None
        x = virgil.sample(f"x_{t}", dist.Categorical(move[x]), obs=state, infer=options)
        virgil.sample(f"y_{t}", dist.Normal(loc[x], scale[x]), obs=y[t])


def partly_labelled_answer(y, known, loc, scale):
    likelihood = stats.norm.logpdf(y[:, None], loc, scale)
    for t, state in known.items():
        likelihood[t, 1 - int(state)] = -np.inf
    prior = stats.norm.logpdf(loc).sum() + stats.lognorm.logpdf(scale, 0.5, scale=np.exp(-1)).sum()
    return Answer(prior + forward(_move[0], np.array(_move), likelihood))


def autoregressive(y):
    """Regimes of an autoregression: what is seen depends on the state and on what was seen."""
    phi = virgil.sample("phi", dist.Normal(0.0, 0.5).expand([2]).to_event(1))
    c = virgil.sample("c", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    move, x = torch.tensor(_move), None
    for t in virgil.markov(range(1, len(y))):
        probs = torch.tensor(_start) if x is None else move[x]
        x = virgil.sample(f"x_{t}", dist.Categorical(probs), infer={"enumerate": "parallel"})
        virgil.sample(f"y_{t}", dist.StudentT(5.0, c[x] + phi[x] * y[t - 1], 0.4), obs=y[t])


def autoregressive_answer(y, phi, c):
    prior = stats.norm.logpdf(phi, 0, 0.5).sum() + stats.norm.logpdf(c).sum()
    likelihood = stats.t.logpdf(y[1:, None], 5, c + phi * y[:-1, None], 0.4)
    return Answer(prior + forward(_start, np.array(_move), likelihood))


class Tied(PyroModule):
    """A chain of order two as a module; all states have one scale, and emissions come from a network of no depth."""

    def __init__(self):
        super().__init__()
        self.scale = PyroSample(dist.HalfNormal(1.0))
        self.flip = PyroSample(dist.Beta(2.0, 2.0).expand([2, 2]).to_event(2))
        self.register_buffer("levels", torch.tensor([-0.5, 1.0]))

    def forward(self, y):
        flip, scale = self.flip, self.scale
        before = last = torch.tensor(0)
        for t in virgil.markov(range(len(y)), history=2):
            now = virgil.sample(f"x_{t}", dist.Bernoulli(flip[before, last]), infer={"enumerate": "parallel"}).long()
            before, last = last, now
            virgil.sample(f"y_{t}", dist.Normal(self.levels[now], scale), obs=y[t])


def tied_answer(y, scale, flip):
    total = stats.halfnorm.logpdf(scale) + stats.beta.logpdf(flip, 2, 2).sum()
    paths = []
    for path in itertools.product((0, 1), repeat=len(y)):
        padded = (0, 0, *path)
        terms = [stats.bernoulli.logpmf(c, flip[a, b]) for a, b, c in zip(padded, padded[1:], path, strict=False)]
        paths.append(sum(terms) + stats.norm.logpdf(y, np.array([-0.5, 1.0])[list(path)], scale).sum())
    return Answer(total + special.logsumexp(paths))


def _steps(name, steps):
    return tuple(f"{name}_{t}" for t in steps)


PROGRAMS = {
    "a loop": Program(loop, {"move": _move, "emit": _emit}, loop_answer, (_labels,), enumerated=_steps("x", range(5))),
    "padded sequences": Program(
        sequences,
        {"start": _start, "move": _move, "loc": [0.0, 1.2]},
        sequences_answer,
        (torch.stack([_numbers, _numbers.flip(0), _numbers - 0.5]), torch.tensor([5, 3, 4])),
        enumerated=_steps("x", range(5)),
    ),
    "vectorised": Program(
        vectorised, {"move": _move, "emit": _emit}, vectorised_answer, (_labels,), enumerated=_steps("x", range(5))
    ),
    "two chains": Program(
        factorial,
        {"stay": [0.75, 0.6], "weight": [1.1, -0.8]},
        factorial_answer,
        (_numbers,),
        enumerated=_steps("a", range(5)) + _steps("b", range(5)),
    ),
    "as a distribution": Program(
        discrete_hmm, {"loc": [0.0, 1.2], "sticky": 1.5}, discrete_hmm_answer, data={"y": _numbers}
    ),
    "partly labelled": Program(
        partly_labelled,
        {"loc": [0.0, 1.2], "scale": [0.5, 0.4]},
        partly_labelled_answer,
        (_numbers, {0: torch.tensor(0), 2: torch.tensor(1)}),
        enumerated=_steps("x", (1, 3, 4)),
    ),
    "regimes": Program(
        autoregressive,
        {"phi": [0.6, -0.2], "c": [0.0, 1.0]},
        autoregressive_answer,
        (_numbers,),
        enumerated=_steps("x", range(1, 5)),
    ),
    "order two": Program(
        Tied(),
        {"scale": 0.6, "flip": [[0.3, 0.6], [0.4, 0.7]]},
        tied_answer,
        (_numbers,),
        enumerated=_steps("x", range(5)),
    ),
}
