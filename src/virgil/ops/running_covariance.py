"""Mean and covariance of a stream of vectors, one after another."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["RunningCovariance"]


@dataclass(frozen=True, slots=True, eq=False)
class RunningCovariance:
    r"""Count, mean, and sums of products of deviations, of the vectors that have come.

    A new vector ``x`` changes the sums by :math:`(x - m)(x - m')^T`, with the means ``m`` before it and ``m'`` after it
    *(Welford 1962; Knuth 1998, section 4.2.2)*. Of the symmetric matrix of sums only the first ``head`` rows are kept
    and the rest of the diagonal: all of it if ``head`` is the size of the vectors, the diagonal alone if it is 0.

    Attributes:
        count: how many vectors have come.
        mean: their mean. Shape: ``(size,)``.
        top: the first rows of sums. Shape: ``(head, size)``.
        bottom: the rest of their diagonal. Shape: ``(size - head,)``.
    """

    count: int
    mean: Tensor
    top: Tensor
    bottom: Tensor

    @classmethod
    def empty(cls, like: Tensor, head: int) -> RunningCovariance:
        """No vectors yet; they will have the shape, dtype and device of ``like``."""
        if like.dim() != 1 or not 0 <= head <= len(like):
            raise ArgumentError(
                f"RunningCovariance got head={head} and shape {tuple(like.shape)}; it takes vectors, and a head of no "
                "more rows than they have entries."
            )
        zeros = torch.zeros_like(like, requires_grad=False)
        return cls(0, zeros, like.new_zeros(head, len(like)), like.new_zeros(len(like) - head))

    def updated(self, vector: Tensor) -> RunningCovariance:
        """After one more vector. Shape: ``(size,)``."""
        count = self.count + 1
        before = vector - self.mean
        mean = self.mean + before / count
        after = vector - mean
        head = len(self.top)
        top = self.top + torch.outer(before[:head], after)
        return RunningCovariance(count, mean, top, self.bottom + before[head:] * after[head:])

    def merged(self, other: RunningCovariance) -> RunningCovariance:
        """Of both streams of vectors *(Chan, Golub and LeVeque 1983)*."""
        count = self.count + other.count
        if not count:
            return self
        apart = other.mean - self.mean
        weight, head = self.count * other.count / count, len(self.top)
        top = self.top + other.top + weight * torch.outer(apart[:head], apart)
        bottom = self.bottom + other.bottom + weight * apart[head:].square()
        return RunningCovariance(count, self.mean + apart * (other.count / count), top, bottom)

    def covariance(self, regularize: bool = False) -> tuple[Tensor, Tensor]:
        """The first rows of the covariance, and the rest of its diagonal.

        Args:
            regularize: if true, it is drawn towards 0.001 times the identity, as by five vectors more
                *(Stan Development Team 2018, section 15.2)*.

        Raises:
            ArgumentError: fewer than two vectors have come.
        """
        if self.count < 2:
            raise ArgumentError(f"A covariance takes two vectors or more; {self.count} have come.")
        top, bottom = self.top / (self.count - 1), self.bottom / (self.count - 1)
        if regularize:
            share, added = self.count / (self.count + 5), 1e-3 * 5 / (self.count + 5)
            identity = torch.eye(*top.shape, dtype=top.dtype, device=top.device)
            top, bottom = share * top + added * identity, share * bottom + added
        return top, bottom
