"""The table of reparameterisers, each with a distribution that it restates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributions.transforms import AffineTransform, ExpTransform

import virgil.distributions as dist
from virgil.infer.reparam import (
    DiscreteCosineReparam,
    GumbelSoftmaxReparam,
    HaarReparam,
    LocScaleReparam,
    ProjectedNormalReparam,
    SplitReparam,
    StudentTReparam,
    TransformReparam,
    UnitJacobianReparam,
)

DOUBLE = torch.float64
LOC = torch.tensor([0.5, -1.0, 2.0], dtype=DOUBLE)
SCALE = torch.tensor([0.5, 1.0, 3.0], dtype=DOUBLE)
ROWS = torch.linspace(-1.0, 1.5, 9, dtype=DOUBLE).reshape(3, 3)


@dataclass(frozen=True)
class Row:
    """A reparameteriser and a distribution with batch shape (3,), as a function of a location and a scale.

    Attributes:
        reparam: makes the reparameteriser.
        fn: makes the distribution from tensors of shape (3,).
        value: makes a value of the support where a guide is to begin.
        is_map: whether what it states and the variable are as many numbers, and each follows from the other.
        takes_observations: whether it restates data.
        dependent: how many numbers on the right of a value follow from the others.
    """

    reparam: Callable[[], Any]
    fn: Callable[[torch.Tensor, torch.Tensor], Any]
    value: Callable[[], torch.Tensor] = lambda: ROWS[0] + 2.0
    is_map: bool = True
    takes_observations: bool = False
    dependent: int = 0


def _vectors(loc, scale):
    return dist.Normal(loc.unsqueeze(-1) + ROWS, scale.unsqueeze(-1)).to_event(1)


def _simplex():
    return torch.softmax(ROWS, -1)


REPARAMETERISERS = {
    "centred": Row(lambda: LocScaleReparam(1.0), dist.Normal, takes_observations=True),
    "decentred": Row(lambda: LocScaleReparam(0.0), dist.Normal),
    "partly centred": Row(lambda: LocScaleReparam(0.3), dist.Laplace),
    "centred by a tensor": Row(lambda: LocScaleReparam(torch.tensor([0.0, 0.4, 1.0], dtype=DOUBLE)), dist.Logistic),
    "learnt centring": Row(LocScaleReparam, _vectors, lambda: ROWS + 2.0),
    "shape parameters": Row(
        lambda: LocScaleReparam(0.6, shape_params=["df"]), lambda loc, scale: dist.StudentT(7.0, loc, scale)
    ),
    "masked": Row(
        lambda: LocScaleReparam(0.6), lambda loc, scale: dist.Gumbel(loc, scale).mask(torch.ones(3, dtype=torch.bool))
    ),
    "log-normal": Row(TransformReparam, lambda loc, scale: dist.LogNormal(loc, scale / 8), takes_observations=True),
    "transformed vectors": Row(
        TransformReparam,
        lambda loc, scale: dist.TransformedDistribution(
            _vectors(loc, scale / 8), [ExpTransform(), AffineTransform(1.0, 2.0)]
        ),
        lambda: ROWS + 4.0,
        takes_observations=True,
    ),
    "logistic normal": Row(
        TransformReparam,
        lambda loc, scale: dist.LogisticNormal(loc.unsqueeze(-1) + ROWS[:, :2], scale.unsqueeze(-1)),
        _simplex,
        takes_observations=True,
        dependent=1,
    ),
    "shifted": Row(
        lambda: UnitJacobianReparam(AffineTransform(1.5, 1.0, event_dim=1)),
        _vectors,
        lambda: ROWS + 2.0,
        takes_observations=True,
    ),
    "Haar": Row(HaarReparam, _vectors, lambda: ROWS + 2.0, takes_observations=True),
    "Haar backwards": Row(lambda: HaarReparam(-1, flip=True), _vectors, lambda: ROWS + 2.0, takes_observations=True),
    "cosine": Row(DiscreteCosineReparam, _vectors, lambda: ROWS + 2.0, takes_observations=True),
    "smooth cosine": Row(
        lambda: DiscreteCosineReparam(smooth=1.0), _vectors, lambda: ROWS + 2.0, takes_observations=True
    ),
    "split": Row(lambda: SplitReparam([1, 2], -1), _vectors, lambda: ROWS + 2.0, takes_observations=True),
    "split evenly": Row(
        lambda: SplitReparam(2, -1),
        lambda loc, scale: dist.Gamma(2.0 + ROWS.exp(), scale.unsqueeze(-1)).to_event(1),
        lambda: ROWS + 2.0,
        takes_observations=True,
    ),
    "projected normal": Row(
        ProjectedNormalReparam,
        lambda loc, scale: dist.ProjectedNormal(loc.unsqueeze(-1) + ROWS),
        lambda: torch.nn.functional.normalize(ROWS + 2.0, dim=-1),
        is_map=False,
    ),
    "relaxed labels": Row(
        GumbelSoftmaxReparam,
        lambda loc, scale: dist.RelaxedOneHotCategorical(
            torch.tensor(1.5, dtype=DOUBLE), logits=loc.unsqueeze(-1) * ROWS
        ),
        _simplex,
        is_map=False,
    ),
    "Student's t": Row(
        StudentTReparam, lambda loc, scale: dist.StudentT(9.0, loc, scale), is_map=False, takes_observations=True
    ),
}
