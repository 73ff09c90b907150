"""Latent Dirichlet allocation: the model in two forms, an amortised guide, and documents drawn from the model."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints

__all__ = [
    "BATCH",
    "Corpus",
    "DOCUMENTS",
    "Guide",
    "LENGTH",
    "PointGuide",
    "TOPICS",
    "VOCABULARY",
    "bag_model",
    "draw_corpus",
    "first_counts",
    "fitted_topics",
    "histogram",
    "network",
    "word_model",
]

TOPICS, VOCABULARY, DOCUMENTS, LENGTH = 8, 1024, 1000, 64  # the size of the corpus; length is in words
BATCH = 64  # documents a step
PRIOR = 0.3  # concentration of a topic over the vocabulary; nearer to 0, float32 has no numbers for the rarest words


class Corpus(NamedTuple):
    """Documents, and the topics that they were drawn from.

    Attributes:
        words: word by word. Shape: ``(LENGTH, DOCUMENTS)``.
        topics: the probability of each word. Shape: ``(TOPICS, VOCABULARY)``.
    """

    words: Tensor
    topics: Tensor


def _topics() -> tuple[Tensor, Tensor]:
    with virgil.plate("topics", TOPICS):
        weights = virgil.sample("topic_weights", dist.Gamma(8.0, 32.0))
        topics = virgil.sample("topic_words", dist.Dirichlet(torch.full((VOCABULARY,), PRIOR)))
    return weights, topics


def word_model(words: Tensor | None = None) -> Corpus:
    """Documents as vectors of words, each word with a topic of its own, which ``TraceEnum_ELBO`` sums out."""
    weights, topics = _topics()
    with virgil.plate("documents", DOCUMENTS) as batch:
        shares = virgil.sample("doc_topics", dist.Dirichlet(weights))
        with virgil.plate("words", LENGTH):
            which = virgil.sample("word_topics", dist.Categorical(shares), infer={"enumerate": "parallel"})
            seen = None if words is None else words[:, batch]
            drawn = virgil.sample("doc_words", dist.Categorical(topics[which]), obs=seen)
    return Corpus(drawn, topics)


def bag_model(words: Tensor) -> None:
    """Documents as histograms: the word topics are summed out by hand, and the order of the words is forgotten."""
    weights, topics = _topics()
    with virgil.plate("documents", DOCUMENTS) as batch:
        shares = virgil.sample("doc_topics", dist.Dirichlet(weights))
        counts = histogram(words[:, batch])
        virgil.sample("doc_words", dist.Multinomial(LENGTH, probs=shares @ topics), obs=counts)


def histogram(words: Tensor) -> Tensor:
    """How often each document has each word. Shape: ``(words, documents)`` to ``(documents, VOCABULARY)``."""
    return torch.zeros(words.shape[1], VOCABULARY).scatter_add(1, words.T, torch.ones(words.T.shape))


def network(last: nn.Module) -> nn.Sequential:
    """From a histogram to a number for each topic.

    The batch norm keeps every topic in use *(Srivastava and Sutton 2017)*.
    """
    return nn.Sequential(
        nn.Linear(VOCABULARY, 100), nn.Softplus(), nn.Linear(100, TOPICS), nn.BatchNorm1d(TOPICS, affine=False), last
    )


class _TopicGuide:
    """The part of the guides that topics have in common."""

    def __init__(self, shares: nn.Module, start: Tensor) -> None:
        self.shares = shares
        self.start = start

    def topics(self) -> None:
        """State the global variables: conjugate families, a topic's concentration being prior plus counts."""
        shape = virgil.param("weights_shape", torch.full((TOPICS,), 8.0), constraint=constraints.positive)
        rate = virgil.param("weights_rate", torch.full((TOPICS,), 32.0), constraint=constraints.positive)
        counts = virgil.param("word_counts", self.start, constraint=constraints.positive)
        with virgil.plate("topics", TOPICS):
            virgil.sample("topic_weights", dist.Gamma(shape, rate))
            virgil.sample("topic_words", dist.Dirichlet(PRIOR + counts))


class PointGuide(_TopicGuide):
    """A document's shares of the topics are what the network says, a point."""

    def __call__(self, words: Tensor) -> None:
        """State the variables for a mini-batch."""
        self.topics()
        virgil.module("network", self.shares)
        with virgil.plate("documents", DOCUMENTS, subsample_size=BATCH) as batch:
            shares = self.shares(histogram(words[:, batch]))
            virgil.sample("doc_topics", dist.Delta(shares, event_dim=1))


class Guide(_TopicGuide):
    """A document's shares have the Dirichlet posterior that word topics, if they were known, would give.

    The network, which ends in a softmax, says how large a part of the document's words each topic wrote. A point would
    be no good here: the prior's density has no bound where a share is 0.
    """

    def __call__(self, words: Tensor) -> None:
        """State the variables for a mini-batch."""
        self.topics()
        virgil.module("network", self.shares)
        with virgil.plate("documents", DOCUMENTS, subsample_size=BATCH) as batch:
            written = LENGTH * self.shares(histogram(words[:, batch]))
            virgil.sample("doc_topics", dist.Dirichlet(PRIOR + written))


def draw_corpus() -> Corpus:
    """Documents from the model itself."""
    with torch.no_grad():
        return word_model()


def first_counts(words: Tensor) -> Tensor:
    """Where the topics start: groups of documents around some that are unlike each other.

    Topics that start alike may stay so, or end as one.
    """
    counts = histogram(words)
    directions = nn.functional.normalize(counts, dim=1)
    chosen = [int(torch.randint(len(counts), ()))]
    while len(chosen) < TOPICS:
        chosen.append(int((directions @ directions[chosen].T).amax(1).argmin()))
    group = (directions @ directions[chosen].T).argmax(1)
    return torch.stack([0.2 + 8.0 * counts[group == topic].mean(0) for topic in range(TOPICS)])


def fitted_topics(counts: Tensor) -> Tensor:
    """The mean of the guide's topics. Shape: ``(TOPICS, VOCABULARY)``."""
    concentration = PRIOR + counts
    return concentration / concentration.sum(1, keepdim=True)
