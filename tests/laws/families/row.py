"""One family's row, and the parameters that many rows share.

Every parameter has a leading batch dim of two unequal entries and is in double precision. Parameters are chosen so that
four moments exist and densities are bounded, unless a row says that its family has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.distributions.transforms import biject_to

Chart = Callable[[Tensor], tuple[Tensor, Tensor]]


def numbers(*values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.double)


@dataclass(frozen=True, eq=False)
class Row:
    """One family.

    Attributes:
        make: the distribution from its parameters.
        params: tensors, Shape: (2, ...).
        reference: SciPy's distribution of one batch entry, from floats.
        values: all values of a discrete family that carry mass above rounding. Shape: (values, *event).
        chart: from real vectors onto the support with the log-determinant, where ``biject_to`` has none.
        dims: how many real numbers the chart of a family of vectors takes.
        moments: whether mean and variance exist and the family has formulas for them.
        pathwise: whether a draw moves with its parameters as the quantile does (not so for ratios of two draws).
        normalised: whether it is a density with respect to Lebesgue or counting measure.
    """

    make: Callable[..., Any]
    params: dict[str, Tensor] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    values: Tensor | None = None
    chart: Chart | None = None
    dims: int = 3
    moments: bool = True
    pathwise: bool = True
    normalised: bool = True

    def build(self, **changed: Tensor) -> Any:
        return self.make(**{**self.params, **changed})


def circle(u: Tensor) -> tuple[Tensor, Tensor]:
    to = biject_to(constraints.interval(-math.pi, math.pi))
    return to(u), to.log_abs_det_jacobian(u, to(u))


def positive_definite(u: Tensor) -> tuple[Tensor, Tensor]:
    """By the Cholesky factor L: L -> LL' has the Jacobian 4 L11^2 L22 (Muirhead 1982, theorem 2.1.9)."""
    a, b, c = u.unbind(-1)
    factor = torch.stack([torch.stack([a.exp(), torch.zeros_like(a)], -1), torch.stack([b, c.exp()], -1)], -2)
    return factor @ factor.mT, math.log(4.0) + 3 * a + 2 * c


def torus(u: Tensor) -> tuple[Tensor, Tensor]:
    angles, log_det = circle(u)
    return angles, log_det.sum(-1)


def sphere(u: Tensor) -> tuple[Tensor, Tensor]:
    """From all but one point of a plane, by stereographic projection of vectors with the entries sinh(u)."""
    y = torch.sinh(u)
    square = y.square().sum(-1, keepdim=True)
    log_det = u.shape[-1] * (2 / (1 + square)).log().squeeze(-1) + torch.cosh(u).log().sum(-1)
    return torch.cat([2 * y, square - 1], -1) / (1 + square), log_det


COUNTS = torch.arange(400, dtype=torch.double)
EYE = torch.eye(3, dtype=torch.double)
WEIGHTS = numbers([0.2, 0.3, 0.5], [0.6, 0.3, 0.1])
TRILS = numbers([[1.0, 0.0], [0.3, 0.8]], [[0.5, 0.0], [-0.2, 1.2]])
LOCS, SCALES = numbers(0.3, -1.2), numbers(0.7, 1.6)
SHAPES, RATES = numbers(1.7, 4.2), numbers(0.6, 2.5)
PROBS = numbers(0.3, 0.8)
TRIPLES = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0), torch.arange(4.0)).double()
VECTORS = {"loc": numbers([0.1, -0.4], [0.5, 0.2])}
