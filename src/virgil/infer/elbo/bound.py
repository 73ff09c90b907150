"""``Bound``: a bound on the log evidence as a function of the particles' log weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

__all__ = ["Bound", "BoundFunction", "MEAN", "mean"]


class BoundFunction(Protocol):
    r"""A bound on :math:`\log p(x)` from the log weights :math:`\log w_k = \log p(x, z_k) - \log q(z_k)`."""

    def __call__(self, log_weights: Tensor, /) -> Tensor:
        """The bound, a scalar in nats.

        Args:
            log_weights: of each particle. Shape: ``(particles,)``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bound:
    """A choice of an objective: the function from the particles' log weights to the bound.

    Attributes:
        name: what a user calls it.
        function: computes the bound.
        is_mean: whether it is the mean, which may be taken term by term.
    """

    name: str
    function: BoundFunction
    is_mean: bool = False

    def __call__(self, log_weights: Tensor) -> Tensor:
        """The bound from log weights of shape ``(particles,)``, or ``()`` for a single one."""
        if log_weights.dim():
            return self.function(log_weights)
        return log_weights if self.is_mean else self.function(log_weights.reshape(1))


def mean(log_weights: Tensor, /) -> Tensor:
    r"""The evidence lower bound, :math:`\frac{1}{K} \sum_k \log w_k`."""
    return log_weights.mean()


MEAN = Bound("mean", mean, is_mean=True)
