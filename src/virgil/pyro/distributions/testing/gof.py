"""Tests of the goodness of fit: do draws have the density that is claimed for them?

Each function returns a p-value: about uniform between 0 and 1 where draws and densities agree, close to 0 where they do
not. A test compares it with the rate of false alarms that it may have.

Draws with a density are mapped to numbers between 0 and 1, which Pearson's chi-square statistic compares with the
uniform distribution. For that, the distance from a draw to its neighbour is turned into the mass in the gap or ball
between them, times the number of draws: it is exponential with mean 1 *(Bickel and Breiman 1983)*.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.pyro.distributions.testing.special import chi2sf

__all__ = [
    "InvalidTest",
    "auto_goodness_of_fit",
    "density_goodness_of_fit",
    "exp_goodness_of_fit",
    "get_nearest_neighbor_distances",
    "multinomial_goodness_of_fit",
    "print_histogram",
    "unif01_goodness_of_fit",
    "vector_density_goodness_of_fit",
    "volume_of_sphere",
]

_FEWEST_BINS = 7
_ROWS = 1024  # of a table of distances that is held at once


class InvalidTest(ArgumentError):
    """A test that says nothing about these draws."""


def print_histogram(probs: Iterable[float], counts: Iterable[int]) -> None:
    """Print the expected share and the count of each cell, the largest count first."""
    rows = sorted(zip(map(float, probs), map(int, counts), strict=True), key=lambda row: -row[1])
    longest = max((count for _, count in rows), default=0)
    sys.stdout.write("    prob    count\n")
    for prob, count in rows:
        sys.stdout.write(f"{prob:8.3f} {count:8d} {'-' * round(60 * count / max(longest, 1))}\n")


def multinomial_goodness_of_fit(
    probs: Tensor, counts: Tensor, *, total_count: int | None = None, plot: bool = False
) -> float:
    """The p-value of Pearson's test that counts are multinomial.

    Args:
        probs: the probability of each cell; one more cell has the rest. Shape: ``(cells,)``.
        counts: how many draws fell into each cell. Shape: ``(cells,)``.
        total_count: the number of draws; that of all counts if not given.
        plot: True to print the cells.

    Raises:
        InvalidTest: shapes differ, or no draw was counted.
    """
    if probs.dim() != 1 or probs.shape != counts.shape:
        raise InvalidTest(f"probs and counts are vectors of one length, not {probs.shape} and {counts.shape}.")
    if plot:
        print_histogram(probs.tolist(), counts.tolist())
    probs, counts = probs.double(), counts.double()
    total = float(counts.sum()) if total_count is None else float(total_count)
    if total <= 0:
        raise InvalidTest("No draw was counted. Draw more.")
    rest = 1 - probs.sum()
    if rest > 1e-6:
        probs = torch.cat([probs, rest.unsqueeze(0)])
        counts = torch.cat([counts, (total - counts.sum()).unsqueeze(0)])
    if bool(((probs <= 0) & (counts > 0)).any()):
        return 0.0
    probs, counts = probs[probs > 0], counts[probs > 0]
    if len(probs) < 2:
        return 1.0
    expected = total * probs
    return chi2sf(float(((counts - expected).square() / expected).sum()), len(probs) - 1)


def unif01_goodness_of_fit(samples: Tensor, *, plot: bool = False) -> float:
    """The p-value of the test that draws are uniform between 0 and 1. Shape: ``(draws,)``.

    Raises:
        InvalidTest: a draw lies outside, or there are too few of them.
    """
    if bool(((samples < 0) | (samples > 1)).any()):
        raise InvalidTest("Draws of a uniform distribution on the unit interval lie between 0 and 1.")
    bins = round(len(samples) ** (1 / 3))
    if bins < _FEWEST_BINS:
        raise InvalidTest(f"{len(samples)} draws are too few; take {_FEWEST_BINS**3} at least.")
    counts = torch.bincount((samples * bins).long().clamp(max=bins - 1), minlength=bins)
    return multinomial_goodness_of_fit(torch.full((bins,), 1 / bins, dtype=torch.double), counts, plot=plot)


def exp_goodness_of_fit(samples: Tensor, plot: bool = False) -> float:
    """The p-value of the test that draws are exponential with mean 1. Shape: ``(draws,)``."""
    return unif01_goodness_of_fit(-torch.expm1(-samples), plot=plot)


def density_goodness_of_fit(samples: Tensor, probs: Tensor, plot: bool = False) -> float:
    """The p-value of the test that numbers have the density that is claimed at each of them. Shape: ``(draws,)``."""
    order = samples.argsort()
    ends, density = samples[order].double(), probs[order].double()
    gaps = (ends[1:] - ends[:-1]) * (density[1:] + density[:-1]) / 2
    return exp_goodness_of_fit(len(samples) * gaps, plot)


def volume_of_sphere(dim: int, radius: Tensor | float) -> Tensor | float:
    """The volume of a ball with this radius in ``dim`` dimensions."""
    volume: Tensor | float = radius**dim * (math.pi ** (dim / 2) / math.gamma(dim / 2 + 1))
    return volume


def get_nearest_neighbor_distances(samples: Tensor) -> Tensor:
    """The distance of each draw to the nearest other one. Shape: ``(draws, dim)`` to ``(draws,)``."""
    samples = samples.reshape(len(samples), -1)
    nearest = [
        torch.cdist(rows, samples, compute_mode="donot_use_mm_for_euclid_dist").topk(2, largest=False).values[:, 1]
        for rows in samples.split(_ROWS)
    ]
    return torch.cat(nearest)


def vector_density_goodness_of_fit(
    samples: Tensor, probs: Tensor, *, dim: int | None = None, plot: bool = False
) -> float:
    """The p-value of the test that vectors have the density that is claimed at each of them.

    Args:
        samples: the draws. Shape: ``(draws, dim)``.
        probs: the density at each. Shape: ``(draws,)``.
        dim: the dimension of the surface on which they lie, if it is not that of the vectors.
        plot: True to print the cells.

    Raises:
        InvalidTest: there are too few draws.
    """
    dim = samples[0].numel() if dim is None else dim
    balls = volume_of_sphere(dim, get_nearest_neighbor_distances(samples).double())
    return exp_goodness_of_fit(len(samples) * probs.double() * balls, plot)


def auto_goodness_of_fit(samples: Tensor, probs: Tensor, *, dim: int | None = None, plot: bool = False) -> float:
    """The p-value of the test that fits the draws: numbers or vectors with a density, or integers with a probability.

    Args:
        samples: the draws. Shape: ``(draws, *event)``.
        probs: the density or probability at each. Shape: ``(draws,)``.
        dim: the dimension of the surface on which they lie, if it is not that of the event.
        plot: True to print the cells.

    Raises:
        InvalidTest: shapes do not fit, or there are too few draws.
    """
    if probs.shape != samples.shape[:1]:
        raise InvalidTest(f"probs has shape {tuple(probs.shape)}; {len(samples)} draws have one density each.")
    rows = samples.reshape(len(samples), -1)
    if not samples.is_floating_point():
        cells, place = torch.unique(rows, dim=0, return_inverse=True)
        each = probs.new_zeros(len(cells)).scatter(0, place, probs)
        return multinomial_goodness_of_fit(each, torch.bincount(place), plot=plot)
    if (rows.shape[1] if dim is None else dim) == 0:
        return 1.0
    if rows.shape[1] == 1:
        return density_goodness_of_fit(rows[:, 0], probs, plot)
    return vector_density_goodness_of_fit(rows, probs, dim=dim, plot=plot)
