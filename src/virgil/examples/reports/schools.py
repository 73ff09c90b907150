"""The report of the eight-schools demo, beside its reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.infer import Fit

__all__ = ["Answer", "LOG_EVIDENCE", "REFERENCE", "draw", "report"]

# Mean and sd from 10,000 draws of Hamiltonian Monte Carlo on the same model. Given tau everything is normal, so
# quadrature over tau alone gives the same figures within the draws' error, and the evidence: tests/examples/ does it.
REFERENCE = {"mu": (4.41, 3.31), "tau": (3.60, 3.20)}
LOG_EVIDENCE = -31.311  # nats


@dataclass(frozen=True)
class Answer:
    """The answer of one guide.

    Attributes:
        guide: its class.
        fit: the course of its fit.
        draws: by site, draws from the fitted guide. Shape: ``(draws, ...)``.
        bounds: repeated estimates of its ELBO, nats.
    """

    guide: str
    fit: Fit
    draws: dict[str, Tensor]
    bounds: Tensor

    def moments(self, site: str) -> tuple[float, float]:
        """Mean and standard deviation of a site."""
        values = self.draws[site].double()
        return values.mean().item(), values.std().item()

    @property
    def gap(self) -> float:
        """How far the ELBO stays below the log evidence, nats: the divergence of the guide from the posterior."""
        return LOG_EVIDENCE - self.bounds.mean().item()


def report(answers: Sequence[Answer]) -> None:
    """Print a table a guide, and what they show."""
    say("Eight schools, non-centred. Reference: 10,000 draws of Hamiltonian Monte Carlo.")
    for answer in answers:
        steps, seconds = answer.fit.num_steps, answer.fit.wall_time
        say(f"\n{answer.guide}, {steps} steps in {seconds:.1f} s")
        rows = [[site, *_compared(answer.moments(site), reference)] for site, reference in REFERENCE.items()]
        print_table(["site", "mean", "reference", "gap", "sd", "reference", "gap"], rows)
        error = answer.bounds.std().item() / math.sqrt(len(answer.bounds))
        say(f"ELBO {answer.bounds.mean().item():.3f} ± {error:.3f} nats; the log evidence is {LOG_EVIDENCE} nats.")
        say(_verdict(answer))
    say(
        "\nAutoNormal takes the variables to be independent, and those of the posterior are not. "
        "AutoMultivariateNormal has their correlations; what it still lacks is the shape, since log tau is not normal."
    )


def _compared(moments: tuple[float, float], reference: tuple[float, float]) -> list[str]:
    cells = []
    for ours, theirs in zip(moments, reference, strict=True):
        cells += [f"{ours:.2f}", f"{theirs:.2f}", f"{ours - theirs:+.2f}"]
    return cells


def _verdict(answer: Answer) -> str:
    spreads = [
        f"{abs(ratio):.0%} too {'small' if ratio < 0 else 'large'} for {site}"
        for site, (_, reference) in REFERENCE.items()
        if (ratio := answer.moments(site)[1] / reference - 1)
    ]
    return f"It is {answer.gap:.2f} nats from the posterior; its sds are {' and '.join(spreads)}."


def draw(answers: Sequence[Answer], path: Path) -> None:
    """Draw loss and gradient norms, one column a guide."""
    figure = new_figure(5.0 * len(answers), 6.0)
    panels = figure.subplots(2, len(answers), sharex=True, sharey="row", squeeze=False)
    for column, answer in enumerate(answers):
        answer.fit.plot(axes=list(panels[:, column]))
        loss = panels[0, column]
        loss.axhline(-LOG_EVIDENCE, color="black", linestyle="--", linewidth=1.0, label="minus log evidence")
        loss.set_ylim(-LOG_EVIDENCE - 0.7, -LOG_EVIDENCE + 2.3)
        loss.legend(loc="upper right", fontsize="small")
        loss.set_title(answer.guide)
    for panel in panels.flat:
        panel.label_outer()
    save(figure, path)
