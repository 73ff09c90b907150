"""Errors of draws against known moments, and what a verdict claims."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.accuracy.known import Known
from benchmarks.accuracy.posteriors.posterior import Draws, Posterior

NEAR_MEAN, NEAR_SD = 0.1, 0.1  # in reference standard deviations, and as a share of them
ALLOWED = 2.0  # standard errors of the reference and of the draws, beyond these bounds
CLAIMS = {  # what a verdict says of the guide's own draws, or of those resampled by their weights
    "all": ("guide", True),
    "means and spreads": ("guide", True),
    "weighted draws": ("weighted", True),
    "means": ("guide", False),
}


@dataclass(frozen=True)
class Errors:
    """Errors over all entries of all quantities.

    Attributes:
        mean: the largest error of a mean, in reference standard deviations.
        mean_median: the median of these errors.
        sd: the largest error of a standard deviation, as a share of the reference.
        sd_median: the median of these errors.
        means_near: whether all means are within 0.1 sd, but for two standard errors.
        sds_near: whether all standard deviations are within 10 %, likewise.
        worst: the quantity whose error is largest beside its bound.
    """

    mean: float
    mean_median: float
    sd: float
    sd_median: float
    means_near: bool
    sds_near: bool
    worst: str

    @property
    def near(self) -> bool:
        """Means and standard deviations both."""
        return self.means_near and self.sds_near


def errors(posterior: Posterior, known: Known, draws: Draws) -> Errors:
    """The errors of draws of the sites."""
    names, columns = [], []
    for name, values in posterior.quantities(draws).items():
        for index, column in enumerate(_by_entry(known, name, values)):
            if column is not None:
                names.append(name if values.shape[1] == 1 else f"{name}[{index}]")
                columns.append(column)
    of_means, of_sds, mean_bounds, sd_bounds = torch.stack(columns).T
    ratio = torch.maximum(of_means / mean_bounds, of_sds / sd_bounds)
    ratio = ratio.nan_to_num(math.inf)
    return Errors(
        mean=of_means.max().item(),
        mean_median=of_means.median().item(),
        sd=of_sds.max().item(),
        sd_median=of_sds.median().item(),
        means_near=bool((of_means <= mean_bounds).all()),
        sds_near=bool((of_sds <= sd_bounds).all()),
        worst=names[int(ratio.argmax())],
    )


def _by_entry(known: Known, name: str, values: Tensor) -> list[Tensor | None]:
    """Errors and bounds of mean and standard deviation; ``None`` for an entry that is a constant."""
    found: list[Tensor | None] = []
    moments = known.moments[name]
    for entry, mean, sd, mean_error, sd_error in zip(
        values.T, moments.mean, moments.sd, moments.mean_error, moments.sd_error, strict=True
    ):
        if sd == 0.0:
            found.append(None)
            continue
        own_mean, own_sd = entry.mean(), entry.std()
        deviation = (entry - own_mean).square().std() / len(entry) ** 0.5 / (2 * own_sd)  # of the draws' own sd
        mean_allowed = ((own_sd**2 / len(entry) + mean_error**2).sqrt() / sd) * ALLOWED
        sd_allowed = ((deviation**2 + sd_error**2).sqrt() / sd) * ALLOWED
        off = ((own_mean - mean).abs() / sd, (own_sd / sd - 1).abs())
        found.append(torch.stack([*off, NEAR_MEAN + mean_allowed, NEAR_SD + sd_allowed]))
    return found


def claimed(trusts: str, guide: Errors, weighted: Errors | None) -> Errors | None:
    """The errors of the draws that a verdict trusts; ``None`` where it trusts none."""
    if trusts not in CLAIMS:
        return None
    return guide if CLAIMS[trusts][0] == "guide" else weighted


def judged(trusts: str, guide: Errors, weighted: Errors | None) -> str:
    """``"right"``, ``"wrong trust"`` or ``"needless"``, of a verdict on a fit.

    A verdict that trusts nothing is needless where the guide's own draws are within the bounds, as is one that trusts
    means alone.
    """
    if trusts not in CLAIMS:
        return "needless" if guide.near else "right"
    both, found = CLAIMS[trusts][1], claimed(trusts, guide, weighted)
    if found is None or not (found.near if both else found.means_near):
        return "wrong trust"
    return "needless" if not both and guide.near else "right"
