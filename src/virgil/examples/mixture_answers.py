"""Questions that people ask about a mixture's guide, each with a run that answers it.

The questions are those of a forum thread on the relation between model and guide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import kl_divergence

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import VirgilError
from virgil.examples.mixture_model import KINDS, POINTS, fit, model, point_guide
from virgil.infer import Fit, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta
from virgil.params import ParamStore

__all__ = [
    "Bounds",
    "full_guide",
    "guide_by_hand",
    "log_memberships",
    "outcomes",
    "refit",
    "sampling_too",
    "two_bounds",
]

Guide = Callable[..., Any]


def guide_by_hand(start: dict[str, Tensor]) -> Guide:
    """The guide of ``point_guide``, written out: a parameter and a ``Delta`` for each variable."""

    def guide(data: Tensor) -> None:
        weights = virgil.param("auto_weights", start["weights"], constraint=constraints.simplex)
        virgil.sample("weights", dist.Delta(weights, event_dim=1))
        scale = virgil.param("auto_scale", start["scale"], constraint=constraints.positive)
        virgil.sample("scale", dist.Delta(scale, event_dim=1))
        with virgil.plate("components", KINDS):
            locs = virgil.param("auto_locs", start["locs"])
            virgil.sample("locs", dist.Delta(locs, event_dim=1))

    return guide


def sampling_too(points: Guide) -> Guide:
    """The points, and memberships drawn by the guide as the model draws them before it has seen data."""

    def guide(data: Tensor) -> None:
        weights = points(data)["weights"]
        with virgil.plate("data", len(data)):
            virgil.sample("assignment", dist.Categorical(weights))

    marked: Guide = config_enumerate(guide)
    return marked


def full_guide(points: Guide) -> Guide:
    """The points, held fast, and for each eruption the probabilities of its kinds."""

    def guide(data: Tensor) -> None:
        with poutine.block(hide_types=["param"]):  # so that a fit leaves them as they are
            points(data)
        with virgil.plate("data", len(data)):
            equal = torch.full((len(data), KINDS), 1 / KINDS)
            probs = virgil.param("assignment_probs", equal, constraint=constraints.simplex)
            virgil.sample("assignment", dist.Categorical(probs))

    marked: Guide = config_enumerate(guide)
    return marked


@dataclass(frozen=True)
class Bounds:
    """Two losses at the same points, nats.

    Attributes:
        summed: memberships summed out.
        sampled: memberships in the guide.
        divergence: of the guide's memberships from their posterior, computed by itself.
    """

    summed: float
    sampled: float
    divergence: float

    @property
    def gap(self) -> float:
        """The cost of the guide's memberships."""
        return self.sampled - self.summed


def two_bounds(points: Guide, guide: Guide, data: Tensor) -> Bounds:
    """Compare ``points`` with ``guide``, which has the same points and memberships besides."""
    elbo = TraceEnum_ELBO()
    with torch.no_grad():
        guessed = poutine.trace(guide).get_trace(data).nodes["assignment"]["fn"]
        posterior = dist.Categorical(logits=log_memberships(points(data), data))
        divergence = kl_divergence(guessed, posterior).sum().item()
    return Bounds(elbo.loss(model, points, data), elbo.loss(model, guide, data), divergence)


def log_memberships(values: dict[str, Tensor], data: Tensor) -> Tensor:
    """Bayes' rule, written out: the logarithm of each kind's posterior probability. Shape: ``(272, kinds)``.

    In logarithms, for most eruptions are so clearly of one kind that the other's probability rounds to 0.
    """
    near = dist.Normal(values["locs"], values["scale"]).to_event(1).log_prob(data.unsqueeze(1))
    return (values["weights"].log() + near).log_softmax(-1)


def refit(data: Tensor, start: dict[str, Tensor], steps: int) -> tuple[Fit, Fit]:
    """From the same start: the points by hand, and points with memberships sampled too."""
    with ParamStore():
        by_hand = fit(guide_by_hand(start), data, steps)
    with ParamStore():
        too = fit(sampling_too(point_guide(start)), data, steps)
    return by_hand, too


def outcomes(points: Guide, data: Tensor) -> list[tuple[str, str]]:
    """Of guides and objectives that people try, what each is and what comes of it: a loss, or an error's first words.

    Args:
        points: the fitted guide.
        data: standardised eruptions.
    """
    exact, plain = TraceEnum_ELBO(), Trace_ELBO()
    few = [name for name in POINTS if name != "weights"]

    def off_the_simplex(data: Tensor) -> None:
        AutoDelta(poutine.block(model, expose=few))(data)
        virgil.sample("weights", dist.Delta(torch.tensor([0.5, 0.6]), event_dim=1))

    cases: list[tuple[str, TraceEnum_ELBO | Trace_ELBO, Guide]] = [
        ("'assignment' left out, TraceEnum_ELBO", exact, points),
        ("'assignment' in the guide too", exact, sampling_too(points)),
        ("'assignment' left out, Trace_ELBO", plain, points),
        ("'weights' left out", exact, AutoDelta(poutine.block(model, expose=few))),
        ("no sample statement at all", exact, lambda data: None),
        ("'weights' that sum to 1.1", exact, off_the_simplex),
    ]
    return [(about, _outcome(objective, guide, data)) for about, objective, guide in cases]


def _outcome(objective: TraceEnum_ELBO | Trace_ELBO, guide: Guide, data: Tensor) -> str:
    with ParamStore():
        try:
            return f"fine; loss {objective.loss(model, guide, data):.1f} nats"
        except VirgilError as error:
            return f"{type(error).__name__}: {error}"
