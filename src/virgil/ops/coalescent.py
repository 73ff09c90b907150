"""Kingman's coalescent of lineages that begin at different times: its density, sufficient statistics, and draws.

Time runs forward; from the latest leaf backward, each pair of the lineages that are there coalesces at a rate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.ops.broadcast import broadcast_shapes

__all__ = [
    "coalescent_draws",
    "coalescent_events",
    "coalescent_statistics",
    "inverse_of_integral",
    "rate_at",
    "rate_integral",
]

_FEW = 8  # leaves up to which all pairs of times are compared; sorting so few takes longer


def coalescent_events(leaf_times: Tensor, coal_times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coalescences, and leaves after them, with what each adds to the log-density.

    The log-density of the times is ``(log_pairs + log(rate)).sum(-1) - (weights * integral).sum(-1)``, with the rate at
    the coalescences and its integral up to all times. Weights sum to zero, so the integral may begin anywhere.

    Returns:
        the times and the weights, Shape: ``(*batch, 2 * leaves - 1)`` each, and the logarithms of the number of pairs
        of lineages at coalescences, minus infinity where there is none, Shape: ``(*batch, leaves - 1)``.
    """
    batch = broadcast_shapes(leaf_times.shape[:-1], coal_times.shape[:-1])
    coal_times, leaf_times = (each.expand(*batch, each.shape[-1]) for each in (coal_times, leaf_times))
    coal_ranks, leaf_ranks, coal_leaves, leaf_coals = _ranks(coal_times.detach(), leaf_times.detach())
    more = coal_ranks - coal_leaves  # lineages just after a coalescence, as time runs forward, less two
    log_pairs = torch.where(more >= 0, (more + 2) * (more + 1) / 2, 0.0).log()
    # each lineage that begins or ends pairs with the others
    weights = torch.cat([-1 - more, leaf_coals - leaf_ranks], -1)
    return torch.cat([coal_times, leaf_times], -1), weights, log_pairs


def _ranks(coals: Tensor, leaves: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The number of coalescences and of leaves before each of them, and of the other kind before each.

    Equal times of one kind stand in any order. Coalescences stand before leaves at the same time.
    """
    if leaves.shape[-1] <= _FEW:
        # the batch last: comparisons and sums are fast along a long dim
        first, second = (each.movedim(-1, 0).contiguous() for each in (coals, leaves))
        apart = second.unsqueeze(0) < first.unsqueeze(1)
        counts = _places(first), _places(second), apart.sum(1), first.shape[0] - apart.sum(0)
        found = tuple(each.movedim(0, -1) for each in counts)
    else:
        order = torch.cat([coals, leaves], -1).argsort(dim=-1, stable=True)
        is_leaf = order >= coals.shape[-1]
        upto = is_leaf.cumsum(-1)
        place = torch.arange(order.shape[-1], device=order.device)
        before = torch.where(is_leaf, upto - 1, place - upto), torch.where(is_leaf, place + 1 - upto, upto)
        same, other = (torch.zeros_like(order).scatter(-1, order, each) for each in before)
        sizes = [coals.shape[-1], leaves.shape[-1]]
        (coal_same, leaf_same), (coal_other, leaf_other) = same.split(sizes, -1), other.split(sizes, -1)
        found = coal_same, leaf_same, coal_other, leaf_other
    return tuple(each.to(coals.dtype) for each in found)  # type: ignore[return-value]


def _places(times: Tensor) -> Tensor:
    """For each time, how many are before it; of equal ones, the first counts as the earlier. Along the first dim."""
    size = times.shape[0]
    first = torch.ones(size, size, dtype=torch.bool, device=times.device).tril(-1)
    first = first.reshape(size, size, *[1] * (times.dim() - 1))
    one, other = times.unsqueeze(1), times.unsqueeze(0)
    return ((other < one) | ((other == one) & first)).sum(1)


def coalescent_statistics(leaf_times: Tensor, coal_times: Tensor, duration: int) -> tuple[Tensor, Tensor, Tensor]:
    """The statistics of the times in each cell of a grid of rates, whose inner bounds are 1, ..., ``duration`` - 1.

    The log-density of the times is ``(constant + count * log(rate) - exposure * rate).sum(-1)`` where the rates are
    constant in each cell *(Popinga, Vaughan, Stadler and Drummond 2015, equations 7 and 8)*. A time at a bound belongs
    to the later cell.

    Returns:
        the exposure, which is the integral of the number of pairs of lineages over each cell; the number of
        coalescences; the sum of the logarithms of the number of pairs at each, minus infinity where there is none.
        Shape: ``(*batch, duration)`` each.
    """
    batch = broadcast_shapes(leaf_times.shape[:-1], coal_times.shape[:-1])
    bounds = torch.arange(1, duration, dtype=coal_times.dtype, device=coal_times.device)
    parts = [each.expand(*batch, each.shape[-1]) for each in (leaf_times, coal_times, bounds)]
    kinds = torch.cat([torch.full_like(each, sign) for each, sign in zip(parts, (1, -1, 0), strict=True)], -1)
    # leaves stand before coalescences at the same time
    times, order = torch.cat(parts, -1).sort(dim=-1, descending=True, stable=True)
    kinds = kinds.gather(-1, order)
    lineages = kinds.cumsum(-1)  # just before each time, as time runs forward
    pairs, merged = lineages * (lineages - 1) / 2, (lineages + 1) * lineages / 2
    cells = times.detach().floor().clamp(0, duration - 1).long()
    nothing = times.new_zeros((*batch, duration))
    exposure = nothing.scatter_add(-1, cells[..., 1:], pairs[..., :-1] * (times[..., :-1] - times[..., 1:]))
    is_coalescence = kinds < 0
    count = nothing.scatter_add(-1, cells, is_coalescence.to(times.dtype))
    possible = torch.where(merged >= 1, merged, 0.0).log()
    constant = nothing.scatter_add(-1, cells, torch.where(is_coalescence, possible, 0.0))
    return exposure, count, constant


def coalescent_draws(leaf_times: Tensor, hazards: Tensor) -> Tensor:
    """The times at which the integrated rates of coalescences reach given values, at a rate of 1 a pair of lineages.

    For hazards that are draws of the standard exponential distribution, the times are draws of the coalescent.

    Args:
        leaf_times: Shape: ``(*batch, leaves)``.
        hazards: of each coalescence since the one before, the latest first. Shape: ``(*batch, leaves - 1)``.

    Returns:
        the times, in increasing order. Shape: ``(*batch, leaves - 1)``.
    """
    leaves = leaf_times.sort(-1, descending=True).values
    start, times = leaves[..., :1], []
    for merged, hazard in enumerate(hazards.unsqueeze(-1).unbind(-2)):
        # between each leaf and the next earlier one, as far as that is before the last coalescence
        uppers = torch.minimum(start, leaves[..., merged + 1 :])
        if uppers.shape[-1] == 1:
            times.append(uppers - hazard)
            break
        lineages = torch.arange(2, uppers.shape[-1] + 2, dtype=leaves.dtype, device=leaves.device)
        pairs = lineages * (lineages - 1) / 2
        passed = (pairs[:-1] * (uppers[..., :-1] - uppers[..., 1:])).cumsum(-1)
        passed = torch.cat([torch.zeros_like(start).expand(*passed.shape[:-1], 1), passed], -1)
        place = (passed[..., 1:] <= hazard).sum(-1, keepdim=True)
        start = (uppers - (hazard - passed) / pairs).gather(-1, place)
        times.append(start)
    return torch.cat(times[::-1], -1)


def rate_at(rate_grid: Tensor, times: Tensor) -> Tensor:
    """The rate at each time. Shape: that of ``times``, broadcast."""
    rates, times, cells = _in_cells(rate_grid, times)
    return rates.gather(-1, cells)


def rate_integral(rate_grid: Tensor, times: Tensor) -> Tensor:
    """The integral from 0 to each time of rates that are constant in each cell. Shape: that of ``times``, broadcast.

    Args:
        rate_grid: rates in the cells from minus infinity to 1, from 1 to 2, and so on. Shape: ``(*batch, cells)``.
        times: Shape: ``(*batch, times)``.
    """
    rates, times, cells = _in_cells(rate_grid, times)
    return (rates.cumsum(-1) - rates).gather(-1, cells) + (times - cells) * rates.gather(-1, cells)


def _in_cells(rate_grid: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rates and times of one batch shape, and the cell of each time."""
    batch = broadcast_shapes(rate_grid.shape[:-1], times.shape[:-1])
    rates, times = rate_grid.expand(*batch, rate_grid.shape[-1]), times.expand(*batch, times.shape[-1])
    return rates, times, times.detach().floor().clamp(0, rates.shape[-1] - 1).long()


def inverse_of_integral(rate_grid: Tensor, integrals: Tensor) -> Tensor:
    """The times at which :func:`rate_integral` has given values. Shape: that of ``integrals``, broadcast."""
    batch = broadcast_shapes(rate_grid.shape[:-1], integrals.shape[:-1])
    rates = rate_grid.expand(*batch, rate_grid.shape[-1])
    integrals = integrals.expand(*batch, integrals.shape[-1])
    upto = rates.cumsum(-1)
    cells = _counts_up_to(upto[..., :-1].detach(), integrals.detach())
    return cells + (integrals - (upto - rates).gather(-1, cells)) / rates.gather(-1, cells)


def _counts_up_to(bounds: Tensor, values: Tensor) -> Tensor:
    """For each value, the number of bounds that are not above it: torch.searchsorted has no rule for vmap."""
    order = torch.cat([bounds, values], -1).sort(dim=-1, stable=True).indices
    counts = (order < bounds.shape[-1]).cumsum(-1)
    return torch.zeros_like(counts).scatter(-1, order, counts)[..., bounds.shape[-1] :]
