"""The likelihood of coalescent rates, step by step."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.distributions.constraints import CoalescentTimesConstraint
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.ops.coalescent import coalescent_statistics

__all__ = ["CoalescentRateLikelihood"]


class CoalescentRateLikelihood:
    r"""The log-likelihood of the rate of coalescences in each step of time, given the times of a phylogeny.

    It is no distribution, but the terms of `CoalescentTimesWithRate`, one for each step, as a function of the rates:

    .. math:: \ell_t(\lambda_t) = a_t + n_t \log \lambda_t - e_t \lambda_t

    with :math:`n_t` coalescences in step t, the integral :math:`e_t` of the number of pairs of lineages, and
    :math:`a_t`, the sum of the logarithms of that number at each coalescence. Given the times, rates of different steps
    are independent, so the terms can be stated in a plate of time or in a Markov chain, by ``factor``.

    Args:
        leaf_times: when the leaves were sampled, in any order. Shape: ``(*batch, leaves)``.
        coal_times: times of coalescences in increasing order. Shape: ``(*batch, leaves - 1)``.
        duration: the number of steps, > 0.

    Raises:
        ArgumentError: ``duration`` is no positive integer, or the times are impossible; the latter only if
            ``validate_args`` is not false.
        ShapeError: there is not one coalescence less than leaves.

    >>> import torch
    >>> likelihood = CoalescentRateLikelihood(torch.tensor([0.0, 1.0, 1.5]), torch.tensor([-0.5, 0.25]), 2)
    >>> likelihood(torch.tensor([2.0, 4.0]))
    tensor([-1.1137,  0.0000])
    >>> likelihood(torch.tensor(4.0), 1)
    tensor(0.)
    """

    def __init__(
        self, leaf_times: Tensor, coal_times: Tensor, duration: int, *, validate_args: bool | None = None
    ) -> None:
        shapes = tuple(leaf_times.shape), tuple(coal_times.shape)
        if not all(shapes) or shapes[0][-1] != shapes[1][-1] + 1:
            raise ShapeError(
                f"CoalescentRateLikelihood got leaf_times of shape {shapes[0]} and coal_times of shape {shapes[1]}; it "
                "takes (*batch, leaves) and (*batch, leaves - 1)."
            )
        if not isinstance(duration, int) or duration < 1:
            raise ArgumentError(
                f"The duration of CoalescentRateLikelihood is {shown(duration)}; it takes a number of steps > 0."
            )
        if validate_args is not False and not CoalescentTimesConstraint(leaf_times).check(coal_times).all():
            raise ArgumentError(
                "The coal_times of CoalescentRateLikelihood are impossible: each coalescence merges two lineages, and "
                "lineages begin at the leaves, going backward in time. Sort them, and see that time runs forward."
            )
        statistics = coalescent_statistics(leaf_times.double(), coal_times.double(), duration)
        self._exposure, self._count, self._constant = (each.to(coal_times.dtype) for each in statistics)

    def __call__(self, rate_grid: Tensor, t: int | slice = slice(None)) -> Tensor:
        """The log-likelihood of the rates in each step, nats.

        Args:
            rate_grid: rates in the steps that ``t`` names, > 0. Shape: ``(*batch, steps)``, or ``(*batch,)`` for one.
            t: one step, or a slice of the steps; all of them if it is not given.
        """
        exposure, count, constant = (each[..., t] for each in (self._exposure, self._count, self._constant))
        return constant + torch.xlogy(count, rate_grid) - exposure * rate_grid
