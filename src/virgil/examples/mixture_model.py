"""Old Faithful's eruptions, the mixture model of them, and where a fit begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.infer import SVI, Fit, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta
from virgil.params import ParamStore
from virgil.poutine.site import Site

__all__ = ["Eruptions", "KINDS", "POINTS", "best_start", "fit", "load", "model", "point_guide"]

KINDS = 2
POINTS = ["weights", "locs", "scale"]  # what a guide needs; `assignment` is summed out
_STARTS = 20


@dataclass(frozen=True)
class Eruptions:
    """Length of an eruption and the wait for the next one.

    Attributes:
        minutes: as they were measured. Shape: ``(272, 2)``.
        data: each column with mean 0 and sd 1. Shape: ``(272, 2)``.
    """

    minutes: Tensor
    data: Tensor

    def in_minutes(self, places: Tensor) -> Tensor:
        """Standardised places in minutes."""
        return self.minutes.mean(0) + self.spread_in_minutes(places)

    def spread_in_minutes(self, scale: Tensor) -> Tensor:
        """Standardised sds in minutes."""
        return scale * self.minutes.std(0, correction=0)


def load() -> Eruptions:
    """The table that ships with Virgil; its first lines name the source."""
    table = np.loadtxt(Path(__file__).with_name("faithful.csv"), delimiter=",", skiprows=4)
    minutes = torch.from_numpy(table).float()
    return Eruptions(minutes, (minutes - minutes.mean(0)) / minutes.std(0, correction=0))


@config_enumerate
def model(data: Tensor) -> Tensor:
    """Eruptions of two kinds, which differ in place and share one spread. Returns the kind of each."""
    weights = virgil.sample("weights", dist.Dirichlet(0.5 * torch.ones(KINDS)))
    scale = virgil.sample("scale", dist.LogNormal(0.0, 2.0).expand([2]).to_event(1))
    with virgil.plate("components", KINDS):
        locs = virgil.sample("locs", dist.Normal(0.0, 10.0).expand([2]).to_event(1))
    with virgil.plate("data", len(data)):
        assignment: Tensor = virgil.sample("assignment", dist.Categorical(weights))
        virgil.sample("obs", dist.Normal(locs[assignment], scale).to_event(1), obs=data)
    return assignment


def point_guide(start: dict[str, Tensor]) -> AutoDelta:
    """A point for each of ``weights``, ``locs`` and ``scale``, beginning at ``start``."""

    def begin(site: Site) -> Tensor:
        return start[site.name].clone()

    return AutoDelta(poutine.block(model, expose=POINTS), init_loc_fn=begin)


def best_start(data: Tensor, seed: int) -> tuple[dict[str, Tensor], list[float]]:
    """Of several starts the one of least loss, for the loss of a mixture has poor minima as well; and all losses.

    Each has equal shares, the spread of all data, and the kinds at eruptions drawn at random.
    """
    starts, losses = [], []
    for draw in range(_STARTS):
        random = torch.Generator().manual_seed(_STARTS * seed + draw)
        places = data[torch.randperm(len(data), generator=random)[:KINDS]]
        starts.append({"weights": torch.full((KINDS,), 1 / KINDS), "scale": data.std(0), "locs": places})
        with ParamStore():
            losses.append(TraceEnum_ELBO().loss(model, point_guide(starts[-1]), data))
    return starts[losses.index(min(losses))], losses


def fit(guide: Callable[..., Any], data: Tensor, steps: int, rate: float = 0.1) -> Fit:
    """Fit a guide to the model, the rate falling to a hundredth of itself."""
    optim = virgil.optim.ClippedAdam({"lr": rate, "betas": (0.8, 0.99), "lrd": 0.01 ** (1 / steps)})
    return SVI(model, guide, optim, TraceEnum_ELBO()).run(steps, data)
