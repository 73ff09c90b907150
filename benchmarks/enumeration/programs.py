"""The programs, each written once: Virgil and Pyro have the same public names, so a program takes its language."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness.interleave import Step

Program = Callable[[ModuleType], Step]


def mixture(ppl: ModuleType, size: int, components: int) -> Step:
    """A Gaussian mixture, memberships summed out, points for the rest."""
    dist, constraints = ppl.distributions, ppl.distributions.constraints
    generator = torch.Generator().manual_seed(0)
    data = 3.0 * torch.randint(components, (size,), generator=generator) + torch.randn(size, generator=generator)

    @ppl.infer.config_enumerate
    def model(data: Tensor) -> None:
        weights = ppl.param("weights", torch.ones(components) / components, constraint=constraints.simplex)
        scale = ppl.param("scale", torch.tensor(1.0), constraint=constraints.positive)
        locs = ppl.param("locs", 3.0 * torch.arange(components) + 0.5)
        with ppl.plate("data", len(data)):
            assignment = ppl.sample("assignment", dist.Categorical(weights))
            ppl.sample("x", dist.Normal(locs[assignment], scale), obs=data)

    return _fit(ppl, model, 1, data)


def _hmm_parameters(ppl: ModuleType, states: int) -> tuple[Tensor, Tensor]:
    constraints = ppl.distributions.constraints
    generator = torch.Generator().manual_seed(1)
    start = torch.rand(states, states, generator=generator) + torch.eye(states)
    moves = ppl.param("moves", start / start.sum(-1, keepdim=True), constraint=constraints.simplex)
    return moves, ppl.param("locs", torch.linspace(-2.0, 2.0, states))


def series(steps: int) -> Tensor:
    """A series to fit."""
    return torch.randn(steps, generator=torch.Generator().manual_seed(2))


def hmm(ppl: ModuleType, steps: int, states: int) -> Step:
    """A hidden Markov model, stated step by step."""
    dist = ppl.distributions

    @ppl.infer.config_enumerate
    def model(data: Tensor) -> None:
        moves, locs = _hmm_parameters(ppl, states)
        state = ppl.sample("start", dist.Categorical(torch.ones(states) / states))
        for t in ppl.markov(range(len(data))):
            state = ppl.sample(f"state_{t}", dist.Categorical(moves[state]))
            ppl.sample(f"x_{t}", dist.Normal(locs[state], 1.0), obs=data[t])

    return _fit(ppl, model, 0, series(steps))


def chained_hmm(ppl: ModuleType, steps: int, states: int) -> Step:
    """The same model with its steps stated at once."""
    dist = ppl.distributions

    @ppl.infer.config_enumerate
    def model(data: Tensor) -> None:
        moves, locs = _hmm_parameters(ppl, states)
        state = ppl.sample("start", dist.Categorical(torch.ones(states) / states))
        for t in ppl.vectorized_markov("time", len(data), dim=-1):
            state = ppl.sample(f"state_{t}", dist.Categorical(moves[state]))
            ppl.sample(f"x_{t}", dist.Normal(locs[state], 1.0), obs=data[t])

    return _fit(ppl, model, 1, series(steps))


def vectorised_hmm(ppl: ModuleType, steps: int, states: int) -> Step:
    """The same model as one distribution over the series."""
    dist = ppl.distributions

    def model(data: Tensor) -> None:
        moves, locs = _hmm_parameters(ppl, states)
        emission = dist.Normal(locs.unsqueeze(0), 1.0)
        chain = dist.DiscreteHMM(torch.zeros(states), moves.log().unsqueeze(0), emission, duration=len(data))
        ppl.sample("x", chain, obs=data)

    return _fit(ppl, model, 0, series(steps))


def lda(ppl: ModuleType, documents: int, words: int, vocabulary: int, topics: int, batch: int = 32) -> Step:
    """Latent Dirichlet allocation: word topics summed out, document topics by a network, mini-batches of documents."""
    dist, constraints = ppl.distributions, ppl.distributions.constraints
    generator = torch.Generator().manual_seed(3)
    data = torch.randint(vocabulary, (words, documents), generator=generator)
    network = torch.nn.Sequential(
        torch.nn.Linear(vocabulary, 100), torch.nn.Sigmoid(), torch.nn.Linear(100, topics), torch.nn.Softmax(-1)
    )

    def model(data: Tensor) -> None:
        with ppl.plate("topics", topics):
            weights = ppl.sample("topic_weights", dist.Gamma(1.0 / topics, 1.0))
            frequencies = ppl.sample("topic_words", dist.Dirichlet(torch.ones(vocabulary) / vocabulary))
        with ppl.plate("documents", documents, batch) as chosen:
            shares = ppl.sample("doc_topics", dist.Dirichlet(weights))
            with ppl.plate("words", words):
                topic = ppl.sample("word_topics", dist.Categorical(shares), infer={"enumerate": "parallel"})
                ppl.sample("doc_words", dist.Categorical(frequencies[topic]), obs=data[:, chosen])

    def guide(data: Tensor) -> None:
        positive = constraints.positive
        weights = ppl.param("weights", torch.ones(topics), constraint=positive)
        frequencies = ppl.param("frequencies", torch.ones(topics, vocabulary), constraint=positive)
        with ppl.plate("topics", topics):
            ppl.sample("topic_weights", dist.Gamma(weights, 1.0))
            ppl.sample("topic_words", dist.Dirichlet(frequencies))
        ppl.module("network", network)
        with ppl.plate("documents", documents, batch) as chosen:
            counts = torch.zeros(batch, vocabulary).scatter_add_(1, data[:, chosen].T, torch.ones(batch, words))
            ppl.sample("doc_topics", dist.Delta(network(counts), event_dim=1))

    return _fit(ppl, model, 2, data, guide=guide)


def _fit(
    ppl: ModuleType, model: Callable[..., None], nesting: int, data: Tensor, guide: Callable[..., Any] | None = None
) -> Step:
    def no_guide(data: Tensor) -> None:
        """Everything is summed out or a parameter."""

    objective = ppl.infer.TraceEnum_ELBO(max_plate_nesting=nesting)
    svi = ppl.infer.SVI(model, guide or no_guide, ppl.optim.Adam({"lr": 0.01}), loss=objective)
    return partial(svi.step, data)
