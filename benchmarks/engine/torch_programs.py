"""The programs for Virgil and Pyro, each written once: both have the same public names, so it takes its language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType

import torch
from torch import Tensor, nn

from benchmarks.engine import data
from benchmarks.engine.problem import Problem

__all__ = ["PROGRAMS"]


def eight_schools(ppl: ModuleType) -> Problem:
    """Rubin's eight schools, centred."""
    dist = ppl.distributions

    def model(effect: Tensor, error: Tensor) -> None:
        mu = ppl.sample("mu", dist.Normal(0.0, 5.0))
        tau = ppl.sample("tau", dist.HalfCauchy(5.0))
        with ppl.plate("schools", len(effect)):
            theta = ppl.sample("theta", dist.Normal(mu, tau))
            ppl.sample("y", dist.Normal(theta, error), obs=effect)

    start = {"mu": torch.zeros(()), "tau": torch.ones(()), "theta": torch.zeros(8)}
    return Problem(model, _guide(ppl, "AutoNormal", model, start), _tensors(data.eight_schools()))


def mixture(ppl: ModuleType) -> Problem:
    """A Gaussian mixture, memberships summed out."""
    dist = ppl.distributions

    @ppl.infer.config_enumerate
    def model(x: Tensor) -> None:
        weights = ppl.sample("weights", dist.Dirichlet(torch.ones(2)))
        scale = ppl.sample("scale", dist.LogNormal(0.0, 1.0))
        with ppl.plate("components", 2):
            locs = ppl.sample("locs", dist.Normal(0.0, 2.0))
        with ppl.plate("data", len(x)):
            assignment = ppl.sample("assignment", dist.Categorical(weights))
            ppl.sample("x", dist.Normal(locs[assignment], scale), obs=x)

    start = {"weights": torch.full((2,), 0.5), "scale": torch.ones(()), "locs": torch.tensor([-1.0, 1.0])}
    return Problem(model, _guide(ppl, "AutoNormal", model, start), _tensors([data.eruptions()]), nesting=1)


def logistic_regression(ppl: ModuleType) -> Problem:
    """10,000 rows and 50 coefficients, all rows at every step."""
    dist = ppl.distributions

    def model(x: Tensor, y: Tensor) -> None:
        w = ppl.sample("w", dist.Normal(torch.zeros(x.shape[1]), 1.0).to_event(1))
        with ppl.plate("rows", len(x)):
            ppl.sample("y", dist.Bernoulli(logits=x @ w), obs=y)

    return Problem(model, _guide(ppl, "AutoDiagonalNormal", model, {"w": torch.zeros(50)}), _tensors(data.rows()))


def _hmm(ppl: ModuleType, chain: Callable[[Tensor, Tensor, Tensor], None]) -> Problem:
    dist = ppl.distributions

    @ppl.infer.config_enumerate
    def model(y: Tensor) -> None:
        with ppl.plate("states", 8):
            moves = ppl.sample("moves", dist.Dirichlet(torch.ones(8)))
            locs = ppl.sample("locs", dist.Normal(0.0, 5.0))
        chain(moves, locs, y)

    start = {"moves": torch.full((8, 8), 0.125), "locs": torch.linspace(-4.0, 4.0, 8)}
    return Problem(model, _guide(ppl, "AutoNormal", model, start), _tensors([data.series()]), nesting=1)


def hmm(ppl: ModuleType) -> Problem:
    """A hidden Markov model, stated step by step."""
    dist = ppl.distributions

    def chain(moves: Tensor, locs: Tensor, y: Tensor) -> None:
        state = ppl.sample("start", dist.Categorical(torch.ones(8) / 8))
        for t in ppl.markov(range(len(y))):
            state = ppl.sample(f"state_{t}", dist.Categorical(moves[state]))
            ppl.sample(f"y_{t}", dist.Normal(locs[state], 1.0), obs=y[t])

    return _hmm(ppl, chain)


def homogeneous_hmm(ppl: ModuleType) -> Problem:
    """The same with ``vectorized_markov``."""
    dist = ppl.distributions

    def chain(moves: Tensor, locs: Tensor, y: Tensor) -> None:
        probs = moves.mean(0)
        for t in ppl.vectorized_markov("time", len(y), dim=-1):
            state = ppl.sample(f"state_{t}", dist.Categorical(probs))
            ppl.sample(f"y_{t}", dist.Normal(locs[state], 1.0), obs=y[t])
            probs = moves[state]

    return _hmm(ppl, chain)


def hmm_distribution(ppl: ModuleType) -> Problem:
    """The same as one distribution over the series."""
    dist = ppl.distributions

    def chain(moves: Tensor, locs: Tensor, y: Tensor) -> None:
        seen = dist.Normal(locs.unsqueeze(0), 1.0)
        ppl.sample("y", dist.DiscreteHMM(torch.zeros(8), moves.log().unsqueeze(0), seen, duration=len(y)), obs=y)

    return _hmm(ppl, chain)


def lda(ppl: ModuleType, count: int = 1_000, batch: int = 32, topics: int = 8, vocabulary: int = 1_024) -> Problem:
    """Latent Dirichlet allocation: word topics summed out, document topics by a network, mini-batches of documents."""
    dist, constraints = ppl.distributions, ppl.distributions.constraints
    network = nn.Sequential(*_network(vocabulary, 100, topics), nn.Softmax(-1))

    def model(words: Tensor) -> None:
        with ppl.plate("topics", topics):
            weights = ppl.sample("topic_weights", dist.Gamma(8.0, 32.0))
            frequencies = ppl.sample("topic_words", dist.Dirichlet(torch.full((vocabulary,), 0.3)))
        with ppl.plate("documents", count, batch) as chosen:
            shares = ppl.sample("doc_topics", dist.Dirichlet(weights))
            with ppl.plate("words", len(words)):
                topic = ppl.sample("word_topics", dist.Categorical(shares), infer={"enumerate": "parallel"})
                ppl.sample("doc_words", dist.Categorical(frequencies[topic]), obs=words[:, chosen])

    def guide(words: Tensor) -> None:
        shape = ppl.param("weights_shape", torch.full((topics,), 8.0), constraint=constraints.positive)
        rate = ppl.param("weights_rate", torch.full((topics,), 32.0), constraint=constraints.positive)
        counts = ppl.param("word_counts", torch.from_numpy(data.word_counts()), constraint=constraints.positive)
        with ppl.plate("topics", topics):
            ppl.sample("topic_weights", dist.Gamma(shape, rate))
            ppl.sample("topic_words", dist.Dirichlet(0.3 + counts))
        ppl.module("network", network)
        with ppl.plate("documents", count, batch) as chosen:
            taken = words[:, chosen].T
            histogram = torch.zeros(batch, vocabulary).scatter_add(1, taken, torch.ones(taken.shape))
            ppl.sample("doc_topics", dist.Dirichlet(0.3 + len(words) * network(histogram)))

    return Problem(model, guide, (torch.from_numpy(data.documents()),), nesting=2)


def vae(ppl: ModuleType) -> Problem:
    """A variational autoencoder, 784-400-20 with softplus, on one batch of 128 images."""
    dist = ppl.distributions
    encoder, decoder = nn.Sequential(*_network(784, 400, 40)), nn.Sequential(*_network(20, 400, 784))

    def model(x: Tensor) -> None:
        ppl.module("decoder", decoder)
        with ppl.plate("images", len(x)):
            z = ppl.sample("z", dist.Normal(torch.zeros(len(x), 20), 1.0).to_event(1))
            ppl.sample("x", dist.Bernoulli(logits=decoder(z)).to_event(1), obs=x)

    def guide(x: Tensor) -> None:
        ppl.module("encoder", encoder)
        with ppl.plate("images", len(x)):
            loc, log_scale = encoder(x).chunk(2, -1)
            ppl.sample("z", dist.Normal(loc, log_scale.exp()).to_event(1))

    return Problem(model, guide, _tensors([data.images()]), rate=0.001)


def _guide(ppl: ModuleType, family: str, model: Callable[..., None], start: dict[str, Tensor]) -> Callable[..., object]:
    """An automatic guide of what has a start, at its start."""
    autoguide = ppl.infer.autoguide
    return getattr(autoguide, family)(
        ppl.poutine.block(model, expose_fn=lambda site: site["name"] in {*start, "schools", "components", "states"}),
        init_loc_fn=autoguide.init_to_value(values=start),
        init_scale=0.1,
    )


def _network(inputs: int, hidden: int, outputs: int) -> list[nn.Module]:
    maps = []
    for layer in data.layers(inputs, hidden, outputs):
        linear = nn.Linear(*layer.weight.shape)
        linear.weight = nn.Parameter(torch.from_numpy(layer.weight.T.copy()))
        linear.bias = nn.Parameter(torch.from_numpy(layer.bias))
        maps.append(linear)
    return [maps[0], nn.Softplus(), maps[1]]


def _tensors(arrays: Iterable[data.Array]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(each) for each in arrays)


PROGRAMS: dict[str, Callable[[ModuleType], Problem]] = {
    "eight schools": eight_schools,
    "mixture": mixture,
    "logistic regression": logistic_regression,
    "HMM": hmm,
    "HMM, vectorized_markov": homogeneous_hmm,
    "HMM, DiscreteHMM": hmm_distribution,
    "LDA": lda,
    "VAE": vae,
}
