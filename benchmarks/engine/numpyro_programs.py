"""The same programs for NumPyro."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro import distributions as dist
from numpyro.contrib.control_flow import scan
from numpyro.contrib.funsor import config_enumerate
from numpyro.distributions import constraints
from numpyro.handlers import block
from numpyro.infer import autoguide, init_to_value

from benchmarks.engine import data
from benchmarks.engine.problem import Problem

__all__ = ["PROGRAMS"]


def eight_schools() -> Problem:
    """Rubin's eight schools, centred."""

    def model(effect: Array, error: Array) -> None:
        mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
        tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
        with numpyro.plate("schools", len(effect)):
            theta = numpyro.sample("theta", dist.Normal(mu, tau))
            numpyro.sample("y", dist.Normal(theta, error), obs=effect)

    start = {"mu": jnp.zeros(()), "tau": jnp.ones(()), "theta": jnp.zeros(8)}
    return Problem(model, _guide(autoguide.AutoNormal, model, start), _arrays(data.eight_schools()))


def mixture() -> Problem:
    """A Gaussian mixture, memberships summed out."""

    @config_enumerate
    def model(x: Array) -> None:
        weights = numpyro.sample("weights", dist.Dirichlet(jnp.ones(2)))
        scale = numpyro.sample("scale", dist.LogNormal(0.0, 1.0))
        with numpyro.plate("components", 2):
            locs = numpyro.sample("locs", dist.Normal(0.0, 2.0))
        with numpyro.plate("data", len(x)):
            assignment = numpyro.sample("assignment", dist.Categorical(weights))
            numpyro.sample("x", dist.Normal(locs[assignment], scale), obs=x)

    start = {"weights": jnp.full((2,), 0.5), "scale": jnp.ones(()), "locs": jnp.array([-1.0, 1.0])}
    guide = _guide(autoguide.AutoNormal, model, start, hide=["assignment", "data"])
    return Problem(model, guide, _arrays([data.eruptions()]), nesting=1)


def logistic_regression() -> Problem:
    """10,000 rows and 50 coefficients, all rows at every step."""

    def model(x: Array, y: Array) -> None:
        w = numpyro.sample("w", dist.Normal(jnp.zeros(x.shape[1]), 1.0).to_event(1))
        with numpyro.plate("rows", len(x)):
            numpyro.sample("y", dist.Bernoulli(logits=x @ w), obs=y)

    guide = _guide(autoguide.AutoDiagonalNormal, model, {"w": jnp.zeros(50)})
    return Problem(model, guide, _arrays(data.rows()))


def hmm() -> Problem:
    """A hidden Markov model, as a scan."""

    @config_enumerate
    def model(y: Array) -> None:
        with numpyro.plate("states", 8):
            moves = numpyro.sample("moves", dist.Dirichlet(jnp.ones(8)))
            locs = numpyro.sample("locs", dist.Normal(0.0, 5.0))

        def step(state: Array, seen: Array) -> tuple[Array, None]:
            state = numpyro.sample("state", dist.Categorical(moves[state]))
            numpyro.sample("y", dist.Normal(locs[state], 1.0), obs=seen)
            return state, None

        scan(step, numpyro.sample("start", dist.Categorical(jnp.ones(8) / 8)), y, history=1)

    start = {"moves": jnp.full((8, 8), 0.125), "locs": jnp.linspace(-4.0, 4.0, 8)}
    guide = _guide(autoguide.AutoNormal, model, start, hide=["start", "state", "y"])
    return Problem(model, guide, _arrays([data.series()]), nesting=1)


def lda(count: int = 1_000, batch: int = 32, topics: int = 8, vocabulary: int = 1_024) -> Problem:
    """Latent Dirichlet allocation: word topics summed out, document topics by a network, mini-batches of documents."""
    network = _network(vocabulary, 100, topics)

    def model(words: Array) -> None:
        with numpyro.plate("topics", topics):
            weights = numpyro.sample("topic_weights", dist.Gamma(8.0, 32.0))
            frequencies = numpyro.sample("topic_words", dist.Dirichlet(jnp.full(vocabulary, 0.3)))
        with numpyro.plate("documents", count, batch) as chosen:
            shares = numpyro.sample("doc_topics", dist.Dirichlet(weights))
            with numpyro.plate("words", len(words)):
                topic = numpyro.sample("word_topics", dist.Categorical(shares), infer={"enumerate": "parallel"})
                numpyro.sample("doc_words", dist.Categorical(frequencies[topic]), obs=words[:, chosen])

    def guide(words: Array) -> None:
        shape = numpyro.param("weights_shape", jnp.full(topics, 8.0), constraint=constraints.positive)
        rate = numpyro.param("weights_rate", jnp.full(topics, 32.0), constraint=constraints.positive)
        counts = numpyro.param("word_counts", jnp.asarray(data.word_counts()), constraint=constraints.positive)
        with numpyro.plate("topics", topics):
            numpyro.sample("topic_weights", dist.Gamma(shape, rate))
            numpyro.sample("topic_words", dist.Dirichlet(0.3 + counts))
        encode = numpyro.module("network", network, (batch, vocabulary))
        with numpyro.plate("documents", count, batch) as chosen:
            taken = words[:, chosen].T
            histogram = jnp.zeros((batch, vocabulary)).at[jnp.arange(batch)[:, None], taken].add(1.0)
            written = len(words) * jax.nn.softmax(encode(histogram))
            numpyro.sample("doc_topics", dist.Dirichlet(0.3 + written))

    return Problem(model, guide, (jnp.asarray(data.documents(), jnp.int32),), nesting=2)


def vae() -> Problem:
    """A variational autoencoder, 784-400-20 with softplus, on one batch of 128 images."""
    encoder, decoder = _network(784, 400, 40), _network(20, 400, 784)

    def model(x: Array) -> None:
        decode = numpyro.module("decoder", decoder, (len(x), 20))
        with numpyro.plate("images", len(x)):
            z = numpyro.sample("z", dist.Normal(jnp.zeros((len(x), 20)), 1.0).to_event(1))
            numpyro.sample("x", dist.Bernoulli(logits=decode(z)).to_event(1), obs=x)

    def guide(x: Array) -> None:
        encode = numpyro.module("encoder", encoder, (len(x), 784))
        with numpyro.plate("images", len(x)):
            loc, log_scale = jnp.split(encode(x), 2, -1)
            numpyro.sample("z", dist.Normal(loc, jnp.exp(log_scale)).to_event(1))

    return Problem(model, guide, _arrays([data.images()]), rate=0.001)


def _guide(
    family: Callable[..., Any], model: Callable[..., None], start: dict[str, Array], hide: Iterable[str] = ()
) -> Callable[..., Any]:
    """An automatic guide of what has a start, at its start."""
    shown = block(model, hide=list(hide)) if hide else model
    guide: Callable[..., Any] = family(shown, init_loc_fn=init_to_value(values=start), init_scale=0.1)
    return guide


def _network(inputs: int, hidden: int, outputs: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A pair of functions as ``stax`` makes them: one gives the weights at the start, one applies them."""

    def start(key: Array, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[tuple[Array, ...]]]:
        return (*shape[:-1], outputs), [_arrays(layer) for layer in data.layers(inputs, hidden, outputs)]

    def apply(weights: list[tuple[Array, Array]], x: Array, **_: Any) -> Array:
        (first, first_bias), (second, second_bias) = weights
        return jax.nn.softplus(x @ first + first_bias) @ second + second_bias

    return start, apply


def _arrays(arrays: Iterable[data.Array]) -> tuple[Array, ...]:
    return tuple(jnp.asarray(each) for each in arrays)


PROGRAMS: dict[str, Callable[[], Problem]] = {
    "eight schools": eight_schools,
    "mixture": mixture,
    "logistic regression": logistic_regression,
    "HMM": hmm,
    "LDA": lda,
    "VAE": vae,
}
