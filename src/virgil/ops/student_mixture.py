"""``StudentMixture``: a mixture of multivariate Student's t, and one step of its fit to weighted draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["StudentMixture"]

_DF = 8  # degrees of freedom: tails heavier than a normal's, with a covariance and a kurtosis
_FORGOTTEN = 1e-6  # of a share: a component without draws stays where it is


@dataclass(frozen=True, eq=False)
class StudentMixture:
    r"""A mixture of multivariate Student's t with 8 degrees of freedom.

    Attributes:
        shares: of the components; they sum to one. Shape: ``(components,)``.
        locs: Shape: ``(components, dim)``.
        scale_trils: Cholesky factors of the scale matrices, which are 6/8 of the covariances.
            Shape: ``(components, dim, dim)``.
    """

    shares: Tensor
    locs: Tensor
    scale_trils: Tensor

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return self.locs.shape[1]

    def draw(self, num: int, generator: torch.Generator) -> Tensor:
        """Draws, of each component as many as its share says, to one. Shape: ``(num, dim)``, float64."""
        strata = torch.arange(num, dtype=torch.float64) + torch.rand(num, generator=generator, dtype=torch.float64)
        component = torch.searchsorted(self.shares.cumsum(0), strata / num).clamp_max(len(self.shares) - 1)
        normal = torch.randn(num, self.dim, generator=generator, dtype=torch.float64)
        chi_square = torch.randn(num, _DF, generator=generator, dtype=torch.float64).square().sum(1, keepdim=True)
        noise = normal / (chi_square / _DF).sqrt()
        found = torch.empty_like(noise)
        for each in range(len(self.shares)):
            rows = component == each
            found[rows] = self.locs[each] + noise[rows] @ self.scale_trils[each].mT
        return found

    def log_density(self, rows: Tensor) -> Tensor:
        """Nats. Shapes: ``(num, dim)`` to ``(num,)``."""
        return self._log_densities(self._squares(rows)).logsumexp(1)

    def refitted(self, rows: Tensor, weights: Tensor) -> StudentMixture:
        """One step of expectation maximisation towards weighted rows *(Cappé, Douc, Guillin, Marin and Robert 2008)*.

        A scale matrix is drawn towards the present one as if that stood for as many draws as a row has entries.

        Args:
            rows: Shape: ``(num, dim)``.
            weights: of the rows; they sum to one. Shape: ``(num,)``.
        """
        squares = self._squares(rows)
        parts = self._log_densities(squares).softmax(1) * weights.unsqueeze(1)
        pulls = parts * (_DF + self.dim) / (_DF + squares)
        shares = parts.sum(0)
        locs, scale_trils = self.locs.clone(), self.scale_trils.clone()
        for each in range(len(shares)):
            if shares[each] < _FORGOTTEN:
                continue
            part, pull = parts[:, each] / shares[each], pulls[:, each] / shares[each]
            loc = pull @ rows / pull.sum()
            away, worth = rows - loc, 1 / part.square().sum()
            before = self.scale_trils[each] @ self.scale_trils[each].mT
            matrix = (worth * (away * pull.unsqueeze(1)).mT @ away + self.dim * before) / (worth + self.dim)
            factor, failed = torch.linalg.cholesky_ex(matrix)
            if not int(failed) and bool(factor.isfinite().all()):
                locs[each], scale_trils[each] = loc, factor
        return StudentMixture(shares / shares.sum(), locs, scale_trils)

    def split(self, rows: Tensor, weights: Tensor, components: int, generator: torch.Generator) -> StudentMixture:
        """A mixture of narrower components about rows that are drawn by weight.

        Args:
            rows: Shape: ``(num, dim)``.
            weights: of the rows; they sum to one. Shape: ``(num,)``.
            components: how many.
            generator: of random numbers.
        """
        chosen = torch.multinomial(weights, components, replacement=True, generator=generator)
        widest = self.scale_trils[int(self.shares.argmax())]
        shrunk = widest * components ** (-1 / (self.dim + 4))  # as a kernel's width falls with its number of places
        shares = torch.full((components,), 1 / components, dtype=torch.float64)
        return StudentMixture(shares, rows[chosen], shrunk.expand(components, -1, -1).clone())

    def _squares(self, rows: Tensor) -> Tensor:
        """Mahalanobis distances, squared. Shapes: ``(num, dim)`` to ``(num, components)``."""
        away = rows.unsqueeze(0) - self.locs.unsqueeze(1)
        white: Tensor = torch.linalg.solve_triangular(self.scale_trils, away.mT, upper=False)
        return white.square().sum(1).mT

    def _log_densities(self, squares: Tensor) -> Tensor:
        """The density of each component times its share, nats. Shape: ``(num, components)``."""
        half = (_DF + self.dim) / 2
        constant = math.lgamma(half) - math.lgamma(_DF / 2) - self.dim / 2 * math.log(_DF * math.pi)
        volume = self.scale_trils.diagonal(dim1=1, dim2=2).log().sum(1)
        return self.shares.log() + constant - volume - half * torch.log1p(squares / _DF)
