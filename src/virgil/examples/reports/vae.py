"""The report of the autoencoder demo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from virgil.examples.data.digits import INK, SIDE, Digits
from virgil.examples.reports.output import new_figure, print_table, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

__all__ = ["Bounds", "draw", "log_frequencies", "report", "show_image"]

_SHOWN = 6  # epochs in the table


class Bounds(NamedTuple):
    """After so many epochs, the ELBO of the images learnt from and of those held out, nats an image."""

    epochs: float
    train: float
    held_out: float


def log_frequencies(train: Tensor, held_out: Tensor) -> float:
    """The score without a latent variable: the held-out log-probability by each pixel's own frequencies, nats.

    Each of the ``INK + 1`` shades is counted once more than it was seen, so that none is impossible.
    """
    shades = torch.arange(INK + 1.0)[:, None, None]
    counts = 1 + (train == shades).sum(1)
    log_probs = (counts / counts.sum(0)).log()  # (shades, pixels)
    return log_probs.gather(0, held_out.long()).sum(-1).mean().item()


def report(bounds: Sequence[Bounds], train: Tensor, held_out: Tensor, last: float, evidence: float) -> None:
    """Print the bound by epoch, and how far the last one is from the evidence."""
    say(f"{len(train):,} handwritten digits to learn from, {len(held_out)} held out. ELBO, nats an image:")
    places = sorted({round(share * (len(bounds) - 1) / (_SHOWN - 1)) for share in range(_SHOWN)})
    rows = [[f"{b.epochs:g}", f"{b.train:.2f}", f"{b.held_out:.2f}"] for b in (bounds[place] for place in places)]
    print_table(["epochs", "learnt from", "held out"], rows)
    alone = log_frequencies(train, held_out)
    say(f"Each pixel by its own frequencies, without a latent variable: {alone:.2f} held out.")
    say(
        f"The held-out bound is {last:.2f}; the held-out log evidence, by quadrature over the plane, {evidence:.2f}. "
        f"The difference, {evidence - last:.2f} nats, is the divergence of the encoder's points from the posterior."
    )


def draw(
    bounds: Sequence[Bounds], evidence: float, images: Digits, points: Tensor, reconstructions: Tensor, path: Path
) -> None:
    """Draw the bounds and the plane above, held-out images and their reconstructions below."""
    figure = new_figure(11.0, 8.0)
    above, below = figure.subfigures(2, 1, height_ratios=[3.0, 1.4], squeeze=False).flat
    left, right = above.subplots(1, 2)
    _draw_bounds(left, bounds, evidence)
    _draw_plane(right, images.labels, points)
    _draw_images(below, images, reconstructions)
    save(figure, path)


def show_image(panel: Axes, image: Tensor) -> None:
    """Draw one image, ink black."""
    panel.imshow(image.reshape(SIDE, SIDE).numpy(), cmap="gray_r", vmin=0, vmax=INK)
    panel.set_xticks([])
    panel.set_yticks([])


def _draw_bounds(axes: Axes, bounds: Sequence[Bounds], evidence: float) -> None:
    epochs = [b.epochs for b in bounds]
    axes.plot(epochs, [b.train for b in bounds], color="0.6", label="learnt from")
    axes.plot(epochs, [b.held_out for b in bounds], color="C0", label="held out")
    axes.axhline(
        evidence, color="black", linestyle="--", linewidth=1.0, label="log evidence of the held out, at the end"
    )
    settled = bounds[len(bounds) // 20 :]  # the first epochs come from far below
    lowest, highest = settled[0].held_out, max(evidence, *(b.train for b in bounds))
    axes.set_ylim(lowest, highest + 0.05 * max(highest - lowest, 1.0))
    axes.set_xlim(left=0.0)
    axes.set_xlabel("epochs")
    axes.set_ylabel("ELBO (nats an image)")
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_title("Evidence lower bound")
    axes.legend(loc="lower right", fontsize="small")


def _draw_plane(axes: Axes, labels: Tensor, points: Tensor) -> None:
    for digit in range(10):
        across, up = points[labels == digit].T
        axes.scatter(across, up, color=f"C{digit}", s=36, linewidths=0.3, marker=f"${digit}$")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("z, first")
    axes.set_ylabel("z, second")
    axes.set_title("Where the encoder puts held-out digits")


def _draw_images(figure: SubFigure, images: Digits, reconstructions: Tensor) -> None:
    """The first held-out image of each digit, and below it the mean image of the point that it is given."""
    firsts = [int((images.labels == digit).nonzero()[0]) for digit in range(10)]
    panels = figure.subplots(2, len(firsts))
    for row, (name, pictures) in enumerate((("held out", images.images), ("from its point", reconstructions))):
        for panel, place in zip(panels[row], firsts, strict=True):
            show_image(panel, pictures[place])
        panels[row][0].set_ylabel(name, rotation=0, ha="right", va="center")
