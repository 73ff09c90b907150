"""The report of the coin demo."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.distributions import kl_divergence

import virgil.distributions as dist
from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.infer import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Beta", "draw", "log_evidence", "report"]


class Beta(NamedTuple):
    """The two numbers of a Beta distribution: of a posterior, prior counts plus heads, and plus tails."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Its mean."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        return math.sqrt(self.mean * (1 - self.mean) / (self.alpha + self.beta + 1))

    @property
    def log_normaliser(self) -> float:
        """The logarithm of the Beta function, by which the density is divided."""
        return math.lgamma(self.alpha) + math.lgamma(self.beta) - math.lgamma(self.alpha + self.beta)

    def distribution(self) -> dist.Beta:
        """The distribution itself, in double precision."""
        return dist.Beta(*torch.tensor(self, dtype=torch.double))


def log_evidence(prior: Beta, posterior: Beta) -> float:
    """The logarithm of the flips' probability under the model, nats: the posterior's normaliser over the prior's."""
    return posterior.log_normaliser - prior.log_normaliser


def report(prior: Beta, fitted: Beta, exact: Beta, fit: Fit) -> None:
    """Print the posterior beside the exact one, and what the loss says about it."""
    say(f"A coin, {round(sum(exact) - sum(prior))} flips; {fit.num_steps} steps in {fit.wall_time:.1f} s.")
    rows = [
        [name, f"{each.alpha:.2f}", f"{each.beta:.2f}", f"{each.mean:.4f}", f"{each.sd:.4f}"]
        for name, each in (("prior", prior), ("posterior, fitted", fitted), ("posterior, exact", exact))
    ]
    print_table(["", "alpha", "beta", "mean", "sd"], rows)
    distance = kl_divergence(fitted.distribution(), exact.distribution()).item()
    say(
        f"The fitted posterior is {distance:.1e} nats from the exact one, so the expected loss is that much above "
        f"minus the log evidence, {-log_evidence(prior, exact):.3f} nats. Over the last tenth of the steps it was "
        f"{fit.tail_loss()[0]:.3f}."
    )


def draw(prior: Beta, fitted: Beta, exact: Beta, fit: Fit, path: Path) -> None:
    """Draw the three densities on the left, loss and gradient norms on the right."""
    figure = new_figure(11.0, 6.0)
    panels = figure.subplot_mosaic([["densities", "loss"], ["densities", "norms"]])
    panels["loss"].sharex(panels["norms"])
    panels["loss"].tick_params(labelbottom=False)
    fit.plot(axes=[panels["loss"], panels["norms"]])
    panels["loss"].axhline(
        -log_evidence(prior, exact), color="black", linestyle="--", linewidth=1.0, label="minus log evidence"
    )
    panels["loss"].legend(loc="upper right", fontsize="small")
    _draw_densities(panels["densities"], prior, fitted, exact)
    save(figure, path)


def _draw_densities(axes: Axes, prior: Beta, fitted: Beta, exact: Beta) -> None:
    fairness = torch.linspace(0.0, 1.0, 501, dtype=torch.double)[1:-1]

    def density(each: Beta) -> Tensor:
        log_density: Tensor = each.distribution().log_prob(fairness)
        return log_density.exp()

    axes.fill_between(fairness, density(prior), color="0.9", label="prior")
    axes.plot(fairness, density(exact), color="black", linewidth=3.0, alpha=0.5, label="posterior, exact")
    axes.plot(fairness, density(fitted), color="C0", linestyle="--", label="posterior, fitted")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("chance of heads")
    axes.set_ylabel("density")
    axes.set_title("How fair is the coin?")
    axes.legend(loc="upper left", fontsize="small")
