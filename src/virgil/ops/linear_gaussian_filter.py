"""The last state of a linear Gaussian chain given its observations, in logarithmic depth and few operators.

Small matrices cost as much as the operators that multiply them, so a chain is first laid out for ``baddbmm``: matrices
as ``(M, size, size)`` and vectors as ``(M, R, size)``, one a row. Where matrices are the same in all steps, time is in
the rows, and a round multiplies each pair of matrices once; else time is in ``M``. Batches are in ``M``, or in the rows
if no matrix has one; in either they stand before time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Size, Tensor

from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.inverse_and_log_det import inverse_and_log_det
from virgil.ops.linear_gaussian import Evidence, Likelihood, Moments, Transition

__all__ = ["filtered"]


class _Matrices(NamedTuple):
    """Of each stretch: the precision of its likelihood, its map as it multiplies columns, and its covariance."""

    precision: Tensor
    move: Tensor
    covariance: Tensor


class _Rows(NamedTuple):
    """Of each stretch: the vector of its likelihood, and the offset of its map."""

    vector: Tensor
    offset: Tensor


def filtered(first: Moments, likelihood: Likelihood, moves: Transition, count: int) -> tuple[Moments, Evidence]:
    """The state after the last move given the observations before, and the integral of their likelihoods.

    Args:
        first: the first state, before its observation.
        likelihood: of each state but the one after the last move.
        moves: from each of these states to the next.
        count: the number of moves.
    """
    layout = _layout(first, likelihood, moves, count)
    matrices = _Matrices(*map(layout.matrices, (likelihood.precision, moves.matrix, moves.covariance)))
    rows = _Rows(layout.rows(likelihood.vector), layout.rows(moves.offset))
    mean, covariance = layout.rows(first.mean, count=1), layout.matrices(first.covariance, count=1)
    identity = torch.eye(mean.shape[-1], dtype=mean.dtype, device=mean.device)
    rest: list[tuple[_Matrices, _Rows]] = []
    energies, volumes = [], []
    while count > 1:
        if count % 2:
            matrices, rows, last = layout.without_last(matrices, rows, count)
            rest.append(last)
        count //= 2
        matrices, rows, energy, volume = _composed(*layout.pairs(matrices, rows), identity)
        energies.append(layout.over_time(energy, count))
        volumes.append(layout.over_time(volume.unsqueeze(-1), count))
    for (precision, move, noise), (vector, offset) in [(matrices, rows), *reversed(rest)]:
        _, spread, new, _, energy, volume = _product(mean, covariance, vector, precision, identity)
        mean, covariance = torch.baddbmm(offset, new, move.mT), torch.baddbmm(noise, move @ spread, move.mT)
        energies.append(energy)
        volumes.append(volume.unsqueeze(-1))
    total = Evidence(torch.stack(energies).sum(0) / 2, torch.stack(volumes).sum(0) / -2)
    return layout.moments(mean, covariance), layout.evidence(total)


def _product(
    mean: Tensor, covariance: Tensor, vector: Tensor, precision: Tensor, identity: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The product of a normal density and a likelihood.

    Returns:
        the inverse of ``1 + covariance @ precision``; covariance and mean of the product; the derivative of the
        likelihood at the old mean; and of the logarithm of the integral twice the energy and minus twice the volume.
    """
    inverse, log_det = inverse_and_log_det(torch.baddbmm(identity, covariance, precision))
    slope = torch.baddbmm(vector, mean, precision, alpha=-1)
    spread = torch.bmm(inverse, covariance)
    new = torch.baddbmm(mean, slope, spread)
    return inverse, spread, new, slope, torch.addcmul(slope * new, mean, vector).sum(-1), log_det


def _composed(
    first: tuple[_Matrices, _Rows], second: tuple[_Matrices, _Rows], identity: Tensor
) -> tuple[_Matrices, _Rows, Tensor, Tensor]:
    """Two stretches as one; the state between them is integrated out."""
    (own, move, noise), (vector, offset) = first
    (precision, next_move, next_noise), (next_vector, next_offset) = second
    inverse, spread, new, slope, energy, volume = _product(offset, noise, next_vector, precision, identity)
    moved = torch.bmm(inverse, move)
    matrices = _Matrices(
        torch.baddbmm(own, move.mT, torch.bmm(precision, moved)),
        torch.bmm(next_move, moved),
        torch.baddbmm(next_noise, torch.bmm(next_move, spread), next_move.mT),
    )
    rows = _Rows(torch.baddbmm(vector, slope, moved), torch.baddbmm(next_offset, new, next_move.mT))
    return matrices, rows, energy, volume


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where batch and time are.

    Attributes:
        batch: the batch of the chain.
        count: the number of steps.
        steady: true where matrices are the same in all steps.
        alone: true where matrices have no batch.
    """

    batch: Size
    count: int
    steady: bool
    alone: bool

    def matrices(self, part: Tensor, count: int | None = None) -> Tensor:
        count = self.count if count is None else count
        batch = () if self.alone else self.batch
        if self.alone and part.dim() > 3:  # dims of size 1
            part = part.flatten(0, -4)[0]
        return part.expand(*batch, 1 if self.steady else count, -1, -1).reshape(-1, *part.shape[-2:])

    def rows(self, part: Tensor, count: int | None = None) -> Tensor:
        count, size = self.count if count is None else count, part.shape[-2]
        whole = part.squeeze(-1).expand(*self.batch, count, size)
        if self.alone:
            return whole.reshape(1, -1, size) if self.steady else whole.reshape(-1, count, size).movedim(1, 0)
        return whole.reshape(-1, count, size) if self.steady else whole.reshape(-1, 1, size)

    def without_last(
        self, matrices: _Matrices, rows: _Rows, count: int
    ) -> tuple[_Matrices, _Rows, tuple[_Matrices, _Rows]]:
        """An odd number of steps without the last, and the last."""
        if self.steady:
            parts = [each.unflatten(1, (-1, count)) for each in rows]
            last = matrices, _Rows(*(each[:, :, -1] for each in parts))
            return matrices, _Rows(*(each[:, :, :-1].flatten(1, 2) for each in parts)), last
        both = [[each.unflatten(0, (-1, count)) for each in group] for group in (matrices, rows)]
        ends, starts = ([[each[:, cut] for each in group] for group in both] for cut in (-1, slice(None, -1)))
        cut = [[each.flatten(0, 1) for each in group] for group in starts]
        return _Matrices(*cut[0]), _Rows(*cut[1]), (_Matrices(*ends[0]), _Rows(*ends[1]))

    def pairs(self, matrices: _Matrices, rows: _Rows) -> tuple[tuple[_Matrices, _Rows], tuple[_Matrices, _Rows]]:
        """The first and the second step of each pair."""
        dim = 1 if self.steady else 0
        first_rows, second_rows = zip(*(each.unflatten(dim, (-1, 2)).unbind(dim + 1) for each in rows), strict=True)
        if self.steady:
            return (matrices, _Rows(*first_rows)), (matrices, _Rows(*second_rows))
        first, second = zip(*(each.unflatten(0, (-1, 2)).unbind(1) for each in matrices), strict=True)
        return (_Matrices(*first), _Rows(*first_rows)), (_Matrices(*second), _Rows(*second_rows))

    def over_time(self, numbers: Tensor, count: int) -> Tensor:
        """The sum over all steps. Shape: ``(M, R)`` to ``(M, R)`` without time."""
        if self.steady and numbers.shape[1] == 1:
            return numbers * count
        dim = 1 if self.steady else 0
        total: Tensor = numbers.unflatten(dim, (-1, count)).sum(dim + 1)
        return total

    def moments(self, mean: Tensor, covariance: Tensor) -> Moments:
        shape = (1,) if self.alone else (*self.batch, 1)
        size = mean.shape[-1]
        return Moments(mean.reshape(*self.batch, 1, size, 1), covariance.reshape(*shape, size, size))

    def evidence(self, total: Evidence) -> Evidence:
        shape = (1,) if self.alone else (*self.batch, 1)
        return Evidence(total.energy.reshape(*self.batch, 1, 1, 1), total.volume.reshape(*shape, 1, 1))


def _layout(first: Moments, likelihood: Likelihood, moves: Transition, count: int) -> _Layout:
    matrices = first.covariance, likelihood.precision, moves.matrix, moves.covariance
    vectors = first.mean, likelihood.vector, moves.offset
    own = broadcast_shapes(*(each.shape[:-3] for each in matrices))
    batch = broadcast_shapes(own, *(each.shape[:-3] for each in vectors))
    steady = count > 1 and all(each.shape[-3] == 1 for each in matrices)
    return _Layout(batch, count, steady, own.numel() == 1)
