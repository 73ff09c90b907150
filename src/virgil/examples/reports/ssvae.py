"""The report of the program ``ssvae``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from virgil.examples.data.digits import Digits
from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.examples.reports.vae import log_frequencies, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

__all__ = ["Answer", "accuracy", "confusion", "draw", "report", "standard_error"]

_SHOWN = 12  # styles in the picture
_COLOURS = {"logistic regression": "C1", "network alone": "C2", "autoencoder": "C0"}


@dataclass(frozen=True)
class Answer:
    """The scores of a fit with so many labels, on the images held out.

    Attributes:
        labels: how many.
        alone: their digits as read by classifiers that learn from labelled images alone, by name.
        read: their digits as the autoencoder's classifier reads them. Shape: ``(images,)``.
        image_bound: the ELBO of the images, nats an image.
        label_bound: that of images and labels.
        restyled: each of the ten digits in the style of each image. Shape: ``(images, 10, PIXELS)``.
    """

    labels: int
    alone: dict[str, Tensor]
    read: Tensor
    image_bound: float
    label_bound: float
    restyled: Tensor

    def readings(self) -> dict[str, Tensor]:
        """All classifiers' digits, by name."""
        return {**self.alone, "autoencoder": self.read}


def accuracy(read: Tensor, labels: Tensor) -> float:
    """The share that was read right."""
    return (read == labels).double().mean().item()


def standard_error(read: Tensor, labels: Tensor) -> float:
    """The standard error of that share."""
    share = accuracy(read, labels)
    return math.sqrt(share * (1 - share) / len(labels))


def confusion(read: Tensor, labels: Tensor) -> Tensor:
    """How many images of each digit, by row, were read as each digit, by column. Shape: ``(10, 10)``."""
    return torch.bincount(10 * labels + read, minlength=100).reshape(10, 10)


def report(answers: Sequence[Answer], train: Digits, held_out: Digits) -> None:
    """Print accuracies and bounds by number of labels."""
    say(
        f"{len(train.labels):,} handwritten digits to learn from, of which some have labels, and "
        f"{len(held_out.labels)} held out. Of those, read right:"
    )
    names = list(answers[0].readings())
    rows = [
        [str(answer.labels), *(f"{accuracy(read, held_out.labels):.1%}" for read in answer.readings().values())]
        for answer in answers
    ]
    print_table(["labels", *names], rows)
    error = standard_error(answers[-1].read, held_out.labels)
    say(
        "The first two learn from the images with labels alone; the network has the form of the autoencoder's "
        f"classifier. An accuracy like the last one is uncertain by {error:.1%}, one standard error."
    )
    say("The same images' ELBO, nats an image:")
    rows = [[str(answer.labels), f"{answer.image_bound:.2f}", f"{answer.label_bound:.2f}"] for answer in answers]
    print_table(["labels", "image", "image and label"], rows)
    frequencies = log_frequencies(train.images, held_out.images)
    say(f"Each pixel by its own frequencies, without a latent variable: {frequencies:.2f}.")


def draw(answers: Sequence[Answer], held_out: Digits, path: Path) -> None:
    """Draw accuracies and one confusion matrix on the left, digits by style on the right."""
    figure = new_figure(12.0, 8.0)
    left, right = figure.subfigures(1, 2, width_ratios=[1.0, 1.3], squeeze=False).flat
    above, below = left.subplots(2, 1, height_ratios=[1.0, 1.5])
    shown = answers[len(answers) // 2]
    _draw_accuracies(above, answers, held_out.labels)
    _draw_confusion(below, shown, held_out.labels)
    _draw_styles(right, shown, held_out.images)
    save(figure, path)


def _draw_accuracies(axes: Axes, answers: Sequence[Answer], labels: Tensor) -> None:
    counts = [answer.labels for answer in answers]
    for place, name in enumerate(answers[0].readings()):
        readings = [answer.readings()[name] for answer in answers]
        accuracies = [100 * accuracy(read, labels) for read in readings]
        errors = [100 * standard_error(read, labels) for read in readings]
        beside = [count * (1 + 0.02 * (place - 1)) for count in counts]  # so that no bar hides another
        axes.errorbar(beside, accuracies, errors, marker="o", capsize=3.0, color=_COLOURS[name], label=name)
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("images with labels")
    axes.set_ylabel("read right (%)")
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_title("Held-out accuracy and its standard error")
    axes.legend(loc="lower right", fontsize="small")


def _draw_confusion(axes: Axes, answer: Answer, labels: Tensor) -> None:
    table = confusion(answer.read, labels)
    axes.imshow(table.float().sqrt().numpy(), cmap="Blues")  # so that a single error can be seen
    most = table.max()
    for (row, column), count in [((int(r), int(c)), int(table[r, c])) for r, c in table.nonzero()]:
        axes.text(column, row, str(count), ha="center", va="center", color="white" if 2 * count > most else "black")
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("read as")
    axes.set_ylabel("label")
    axes.set_title(f"The autoencoder's classifier, {answer.labels} labels")


def _draw_styles(figure: SubFigure, answer: Answer, images: Tensor) -> None:
    """A held-out image in each row, and to its right the ten digits in its style."""
    panels = figure.subplots(_SHOWN, 11)
    for row, image, restyled in zip(panels, images, answer.restyled, strict=False):
        for panel, picture in zip(row, (image, *restyled), strict=True):
            show_image(panel, picture)
    for panel, title in zip(panels[0], ("held out", *map(str, range(10))), strict=True):
        panel.set_title(title, fontsize="medium")
    figure.suptitle(f"Every digit in the style of a held-out image, {answer.labels} labels")
