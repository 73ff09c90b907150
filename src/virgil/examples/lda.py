"""Latent Dirichlet allocation, amortised: topics found in documents that the model itself has written.

Every document mixes topics in its own shares, and every word comes from one of them *(Blei, Ng and Jordan 2003)*. Which
topic a word comes from is summed out: by ``TraceEnum_ELBO`` where documents are vectors of words, by hand where they
are bags of words. A network reads a document's histogram and says what its shares are, so that a step needs but a
mini-batch of the documents.

A fit may end where one fitted topic holds two true ones: of the seeds 0 to 6, four find all eight topics, two find
seven and one finds six.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import virgil
from virgil.errors import SupportError
from virgil.examples.lda_matching import best_matching, similarity
from virgil.examples.lda_model import (
    Corpus,
    Guide,
    PointGuide,
    bag_model,
    draw_corpus,
    first_counts,
    fitted_topics,
    network,
    word_model,
)
from virgil.examples.reports.lda import Answer, begin, draw, report, show_error
from virgil.infer import SVI, TraceEnum_ELBO

__all__ = ["fit_form", "main", "sigmoid_error"]

# counts must grow from a few to hundreds, on a log scale; weights must wait until the topics are apart
RATES = {"word_counts": 0.1, "weights_shape": 0.001, "weights_rate": 0.001}
NETWORK_RATE = 0.01


def sigmoid_error(words: Tensor) -> SupportError | None:
    """The error that a network which ends in a sigmoid meets at its first step."""
    virgil.clear_param_store()
    guide = PointGuide(network(nn.Sigmoid()), first_counts(words))
    svi = SVI(word_model, guide, virgil.optim.Adam({"lr": 0.01}), TraceEnum_ELBO())
    try:
        svi.step(words)
    except SupportError as error:
        return error
    return None


def fit_form(form: str, model: Callable[..., Any], corpus: Corpus, steps: int, seed: int) -> Answer:
    """Fit one form of the model, and match the topics that it found with the true ones."""
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)
    guide = Guide(network(nn.Softmax(-1)), first_counts(corpus.words))

    def options(name: str) -> dict[str, float]:
        return {"lr": RATES.get(name, NETWORK_RATE), "lrd": 0.1 ** (1 / steps)}  # the rate falls to a tenth

    # the model of bags marks no topic: they are summed out by hand
    objective = TraceEnum_ELBO(strict_enumeration_warning=model is word_model)
    fit = SVI(model, guide, virgil.optim.ClippedAdam(options), objective).run(steps, corpus.words)
    topics = fitted_topics(fit.params["word_counts"])
    return Answer(form, fit, topics[best_matching(similarity(corpus.topics, topics))])


def main(steps: int = 1000, seed: int = 0, out: Path = Path("demo")) -> None:
    """Show the sigmoid's error, fit both forms, print and draw the topics beside the true ones."""
    virgil.set_rng_seed(seed)
    corpus = draw_corpus()
    begin(corpus)
    show_error(sigmoid_error(corpus.words))
    answers = [
        fit_form("vectors of words", word_model, corpus, steps, seed),
        fit_form("bags of words", bag_model, corpus, steps, seed),
    ]
    unrelated = torch.distributions.Dirichlet(torch.full_like(corpus.topics, 0.3)).sample()
    unrelated = unrelated[best_matching(similarity(corpus.topics, unrelated))]
    report(answers, corpus, unrelated)
    draw(answers, corpus, unrelated, out / "lda.png")


if __name__ == "__main__":
    main()
