"""The mixture model of Old Faithful's eruptions, and where a fit begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.infer import SVI, Fit, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta
from virgil.params import ParamStore
from virgil.poutine.site import Site

__all__ = ["KINDS", "POINTS", "best_start", "fit", "model", "point_guide"]

KINDS = 2
POINTS = ["weights", "locs", "scale"]  # what a guide needs; `assignment` is summed out
_STARTS = 20


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
