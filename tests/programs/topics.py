"""Documents: topics of words and of whole documents, classes."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from tests.programs.mixtures import mixed
from tests.programs.program import Answer, Program
from virgil.infer import config_enumerate

_topic_words = [[0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]]
_words = torch.tensor([[0, 3, 1], [1, 2, 0], [0, 3, 3], [2, 3, 0]])


@config_enumerate
def lda(words):
    """Topics: proportions of each document, a topic of each word; nested plates, documents of one length."""
    with virgil.plate("topics", 2):
        topic_words = virgil.sample("topic_words", dist.Dirichlet(torch.ones(4)))
    with virgil.plate("documents", words.shape[1]):
        share = virgil.sample("share", dist.Dirichlet(torch.ones(2)))
        with virgil.plate("words", words.shape[0]):
            topic = virgil.sample("topic", dist.Categorical(share))
            virgil.sample("word", dist.Categorical(topic_words[topic]), obs=words)


def lda_answer(words, topic_words, share):
    prior = 2 * np.log(6)  # two flat Dirichlets of four words; those of two topics have density 1
    return Answer(prior + sum(np.log(share[d] @ topic_words[:, w]) for row in words for d, w in enumerate(row)))


def ragged_lda(documents):
    """Documents of unequal lengths in an iterated plate."""
    topic_words = virgil.sample("topic_words", dist.Dirichlet(torch.ones(2, 4)).to_event(1))
    for d in virgil.plate("documents", len(documents)):
        share = virgil.sample(f"share_{d}", dist.Dirichlet(torch.ones(2)))
        with virgil.plate(f"words_{d}", len(documents[d])):
            topic = virgil.sample(f"topic_{d}", dist.Categorical(share), infer={"enumerate": "parallel"})
            virgil.sample(f"word_{d}", dist.Categorical(topic_words[topic]), obs=documents[d])


def ragged_lda_answer(documents, topic_words, **share):
    words = sum(np.log(share[f"share_{d}"] @ topic_words[:, doc.numpy()]).sum() for d, doc in enumerate(documents))
    return Answer(2 * np.log(6) + words)


def naive_bayes(counts, label=None):
    """Word counts given a class; unlabelled documents, where the class is summed out."""
    prior = virgil.sample("prior", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("classes", 2):
        words = virgil.sample("words", dist.Dirichlet(2 * torch.ones(3)))
    with virgil.plate("documents", len(counts)):
        c = virgil.sample("c", dist.Categorical(prior), obs=label, infer={"enumerate": "parallel"})
        virgil.sample("x", dist.Multinomial(total_count=5, probs=words[c]), obs=counts)


def naive_bayes_answer(counts, prior, words):
    total = sum(stats.dirichlet.logpdf(row, [2, 2, 2]) for row in words)
    densities = np.stack([stats.multinomial.logpmf(counts, 5, row) for row in words], -1)
    return Answer(total + mixed(np.log(prior), densities))


def supervised(words, score):
    """Topics that explain a score: of each document one topic, which words and score share."""
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("topics", 2):
        topic_words = virgil.sample("topic_words", dist.Dirichlet(torch.ones(4)))
        effect = virgil.sample("effect", dist.Normal(0.0, 1.0))
    with virgil.plate("documents", len(score)):
        topic = virgil.sample("topic", dist.Categorical(weights), infer={"enumerate": "parallel"})
        virgil.sample("score", dist.Normal(effect[topic], 0.5), obs=score)
        with virgil.plate("words", words.shape[0]):
            virgil.sample("word", dist.Categorical(topic_words[topic]), obs=words)


def supervised_answer(words, score, weights, topic_words, effect):
    prior = 2 * np.log(6) + stats.norm.logpdf(effect).sum()
    densities = np.log(topic_words[:, words]).sum(1).T + stats.norm.logpdf(score[:, None], effect, 0.5)
    return Answer(prior + mixed(np.log(weights), densities))


PROGRAMS = {
    "topics": Program(
        lda,
        {"topic_words": _topic_words, "share": [[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]},
        lda_answer,
        (_words,),
        enumerated=("topic",),
    ),
    "topics of ragged documents": Program(
        ragged_lda,
        {"topic_words": _topic_words, "share_0": [0.75, 0.25], "share_1": [0.375, 0.625]},
        ragged_lda_answer,
        ([torch.tensor([0, 3, 1]), torch.tensor([2, 3])],),
        enumerated=("topic_0", "topic_1"),
    ),
    "naive Bayes": Program(
        naive_bayes,
        {"prior": [0.25, 0.75], "words": [[0.5, 0.25, 0.25], [0.125, 0.25, 0.625]]},
        naive_bayes_answer,
        (torch.tensor([[3.0, 1.0, 1.0], [0.0, 2.0, 3.0], [2.0, 2.0, 1.0]]),),
        enumerated=("c",),
    ),
    "topics and scores": Program(
        supervised,
        {"weights": [0.375, 0.625], "topic_words": _topic_words, "effect": [0.8, -0.6]},
        supervised_answer,
        (_words, torch.tensor([0.9, -0.3, 0.2])),
        enumerated=("topic",),
    ),
}
