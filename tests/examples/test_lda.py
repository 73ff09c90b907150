"""LDA: the two forms of the model are one, the matching is the best, and the demo from end to end, small."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

import virgil
from virgil import poutine
from virgil.examples import lda, lda_model
from virgil.examples.lda_matching import best_matching, similarity
from virgil.examples.reports.lda import log_orders
from virgil.infer import Trace_ELBO, TraceEnum_ELBO

pytestmark = pytest.mark.long


@pytest.fixture
def corpus(monkeypatch):
    """A small one: 3 topics, 60 words in the vocabulary, 200 documents."""
    for name, size in {"TOPICS": 3, "VOCABULARY": 60, "DOCUMENTS": 200, "BATCH": 50}.items():
        monkeypatch.setattr(lda_model, name, size)
    return lda_model.draw_corpus()


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_the_matching_is_the_best(size):
    for _ in range(10):
        scores = torch.randn(size, size)
        columns = best_matching(scores)
        assert sorted(columns.tolist()) == list(range(size))
        rows, best = linear_sum_assignment(scores.numpy(), maximize=True)
        assert scores[range(size), columns].sum() == pytest.approx(float(scores.numpy()[rows, best].sum()), rel=1e-5)


def test_a_permutation_is_found_again():
    topics = torch.eye(5) + 0.1
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = topics[order]
    assert torch.equal(shuffled[best_matching(similarity(topics, shuffled))], topics)


def test_the_number_of_orders_is_counted():
    words = torch.tensor([[0, 0], [1, 0], [2, 1]])  # three words each: all different, and two alike
    counted = [len(set(itertools.permutations(document.tolist()))) for document in words.T]
    assert log_orders(words) == pytest.approx(math.log(counted[0]) + math.log(counted[1]), rel=1e-5)


def test_the_forms_differ_by_the_orders_of_the_mini_batch(corpus):
    guide = lda_model.Guide(lda_model.network(nn.Softmax(-1)), lda_model.first_counts(corpus.words))
    drawn = poutine.trace(guide).get_trace(corpus.words)
    fixed = poutine.replay(guide, trace=drawn)
    as_words = TraceEnum_ELBO().loss(lda_model.word_model, fixed, corpus.words)
    as_bag = Trace_ELBO().loss(lda_model.bag_model, fixed, corpus.words)
    batch = drawn.nodes["documents"]["value"]
    assert as_words - as_bag == pytest.approx(200 / 50 * log_orders(corpus.words[:, batch]), rel=1e-3)


def test_a_histogram_counts_every_word():
    words = torch.randint(lda_model.VOCABULARY, (64, 10))
    counts = lda_model.histogram(words)
    assert counts.shape == (10, lda_model.VOCABULARY)
    for document, words_of in enumerate(words.T):
        assert torch.equal(counts[document], torch.bincount(words_of, minlength=lda_model.VOCABULARY).float())


def test_the_sigmoid_is_an_error_and_the_softmax_is_none(corpus):
    error = lda.sigmoid_error(corpus.words)
    assert error is not None
    assert error.site == "doc_topics"
    assert "it sums to" in str(error)


def test_the_demo_finds_the_topics_and_draws_them(corpus, tmp_path, capsys):
    virgil.set_rng_seed(0)
    lda.main(steps=150, seed=0, out=tmp_path)
    printed = capsys.readouterr().out
    mean = next(line for line in printed.splitlines() if line.startswith("mean")).split()
    as_words, as_bag, chance = map(float, mean[1:])
    assert min(as_words, as_bag) > max(0.8, chance + 0.2)
    assert "SupportError: At site 'doc_topics'" in printed
    assert (tmp_path / "lda.png").read_bytes().startswith(b"\x89PNG")
