"""The report of the LDA demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from virgil.errors import SupportError
from virgil.examples.lda_model import BATCH, Corpus, histogram
from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.infer import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Answer", "begin", "draw", "log_orders", "report", "show_error"]

RECOVERED = 0.8  # the cosine from which a topic is called recovered


@dataclass(frozen=True)
class Answer:
    """The answer of one form of the model.

    Attributes:
        form: its name.
        fit: the course of its fit.
        topics: the fitted topics, in the order of the true ones. Shape: ``(TOPICS, VOCABULARY)``.
    """

    form: str
    fit: Fit
    topics: Tensor

    def cosines(self, corpus: Corpus) -> Tensor:
        """How like the true ones they are. Shape: ``(TOPICS,)``."""
        return cosine_similarity(self.topics, corpus.topics)


def log_orders(words: Tensor) -> float:
    """The logarithm of the number of orders in which all bags of words can be written, nats."""
    factorials = torch.lgamma(histogram(words) + 1).sum()
    return (words.shape[1] * torch.lgamma(torch.tensor(words.shape[0] + 1.0)) - factorials).item()


def begin(corpus: Corpus) -> None:
    """Say what there is."""
    length, documents = corpus.words.shape
    say(
        f"Latent Dirichlet allocation: {documents:,} documents of {length} words, from a vocabulary of "
        f"{corpus.topics.shape[1]:,} and {len(corpus.topics)} topics, drawn from the model itself. "
        f"A step sees {BATCH} documents."
    )


def show_error(error: SupportError | None) -> None:
    """Show what a network that ends in a sigmoid meets."""
    say("\nA network that ends in a sigmoid gives no shares of topics. The first step says so:")
    say(f"  {type(error).__name__}: {error}" if error else "  nothing, and it should.")
    say("Rows of shares sum to 1. So the network ends in a softmax from here on.")


def report(answers: Sequence[Answer], corpus: Corpus, unrelated: Tensor) -> None:
    """Print how each form fared, and topic by topic how like the true one it is."""
    say("\nThe cosine of each true topic with the fitted one that is matched to it (exactly, by the greatest sum):")
    cosines = [answer.cosines(corpus) for answer in answers]
    chance = cosine_similarity(unrelated, corpus.topics)
    columns = [*cosines, chance]
    rows = [[f"{topic + 1}", *(f"{column[topic].item():.2f}" for column in columns)] for topic in range(len(chance))]
    rows.append(["mean", *(f"{column.mean().item():.2f}" for column in columns)])
    print_table(["topic", *(answer.form for answer in answers), "random topics"], rows)
    for answer, each in zip(answers, cosines, strict=True):
        fit = answer.fit
        mean, deviation = fit.tail_loss()
        say(
            f"{answer.form}: {int((each > RECOVERED).sum())} of {len(each)} topics above {RECOVERED}; {fit.num_steps} "
            f"steps in {fit.wall_time:.1f} s, {1000 * fit.wall_time / fit.num_steps:.1f} ms each; loss over the last "
            f"tenth {mean:,.0f} nats, sd {deviation:,.0f} from step to step."
        )
    between = answers[0].fit.tail_loss()[0] - answers[1].fit.tail_loss()[0]
    orders = log_orders(corpus.words)
    say(
        f"The two losses differ by {between:,.0f} nats. A histogram leaves the order of the words open, and all of "
        f"them can be written in exp({orders:,.0f}) orders; the rest is where the two fits have come to."
    )


def draw(answers: Sequence[Answer], corpus: Corpus, unrelated: Tensor, path: Path) -> None:
    """Draw both losses, the matching scores, and how like each true topic every fitted one is."""
    figure = new_figure(12.0, 7.5)
    panels = figure.subplot_mosaic([["loss", "scores"], ["first", "second"]])
    _draw_losses(panels["loss"], answers, corpus)
    _draw_scores(panels["scores"], answers, corpus, unrelated)
    for panel, answer, color in zip((panels["first"], panels["second"]), answers, ("C0", "C1"), strict=True):
        _draw_words(panel, answer, corpus, color)
    save(figure, path)


def _draw_losses(axes: Axes, answers: Sequence[Answer], corpus: Corpus) -> None:
    orders = log_orders(corpus.words)
    for answer, shift in zip(answers, (0.0, orders), strict=True):
        losses = (answer.fit.losses + shift) / 1000
        label = answer.form + (" + log number of orders" if shift else "")
        axes.plot(losses.tolist(), linewidth=0.8, alpha=0.8, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (thousand nats)")
    axes.set_title("Loss")
    axes.legend(fontsize="small")


def _draw_scores(axes: Axes, answers: Sequence[Answer], corpus: Corpus, unrelated: Tensor) -> None:
    bars = [(answer.form, answer.cosines(corpus), f"C{place}") for place, answer in enumerate(answers)]
    bars.append(("random topics", cosine_similarity(unrelated, corpus.topics), "0.7"))
    for place, (label, heights, color) in enumerate(bars):
        lefts = [topic + 1 + 0.27 * (place - 1) for topic in range(len(heights))]
        axes.bar(lefts, heights.tolist(), width=0.25, color=color, label=label)
    axes.set_xticks(range(1, len(corpus.topics) + 1))
    axes.set_ylim(0.0, 1.2)  # room for the legend
    axes.set_xlabel("true topic")
    axes.set_ylabel("cosine with its match")
    axes.set_title("Topics")
    axes.legend(loc="upper center", ncols=3, fontsize="small")


def _draw_words(axes: Axes, answer: Answer, corpus: Corpus, color: str) -> None:
    true, fitted = corpus.topics.flatten(), answer.topics.flatten()
    axes.scatter(true.tolist(), fitted.tolist(), s=4, alpha=0.3, linewidths=0, color=color)
    highest = float(torch.maximum(true.max(), fitted.max()))
    axes.plot([0.0, highest], [0.0, highest], color="0.3", linewidth=0.8, label="equal")
    axes.set_xlabel("true probability of a word in a topic")
    axes.set_ylabel("fitted")
    axes.set_title(f"Every word of every topic: {answer.form}")
    axes.legend(loc="upper left", fontsize="small")
