"""Variances and the covariance of a normal vector that is drawn variable by variable, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from virgil.infer.autoguide.joint.plated_step import Numbers, PlatedStep
from virgil.ops.sparse_covariances import Regression, marginal_variances

__all__ = ["moments_of", "variances_of"]


Found = Sequence[tuple[PlatedStep, Numbers]]


def variances_of(found: Found) -> dict[str, Tensor]:
    """The variance of each number before it is scaled, zero for data. Shape: ``(*batch, *event)``.

    Args:
        found: the variables in the order in which they are drawn.
    """
    sizes = [numbers.loc.numel() for _, numbers in found]
    places = {
        step.latent.name: part.reshape(numbers.loc.shape)
        for (step, numbers), part in zip(found, torch.arange(sum(sizes)).split(sizes), strict=True)
    }
    variances = marginal_variances(sum(sizes), _regressions(found, places))
    return {name: variances[each] for name, each in places.items()}


def _regressions(found: Found, places: dict[str, Tensor]) -> Iterator[Regression]:
    for step, numbers in found:
        rows = step.blocked(places[step.latent.name])
        slots, size = rows.shape[:-1], rows.shape[-1]
        inputs = [each.expand(*slots, each.shape[-1]) for each in step.inputs(places)]
        joined = torch.cat([rows.new_empty(*slots, 0), *inputs], -1)
        weight = torch.zeros(*slots, size, 0) if numbers.weight is None else numbers.weight.cpu()
        factor = torch.eye(size).expand(*slots, size, size) if numbers.factor is None else numbers.factor.cpu()
        if numbers.entries is not None:
            entries = numbers.entries.cpu()
            weight, factor = weight * entries.unsqueeze(-1), factor * entries.unsqueeze(-1) * entries.unsqueeze(-2)
        count, meets = slots.numel(), joined.shape[-1]
        yield Regression(
            rows.reshape(count, size),
            joined.reshape(count, meets),
            weight.reshape(count, size, meets),
            factor.reshape(count, size, size),
        )


def moments_of(found: Found, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The mean and covariance of all values end to end, without those that are data.

    Args:
        found: the variables in the order in which they are drawn.
        names: the variables in the order in which they stand in the vector.
    """
    sizes = [numbers.loc.numel() for _, numbers in found]
    first = found[0][1].loc
    rows = torch.eye(sum(sizes), dtype=first.dtype, device=first.device).split(sizes, 1)
    moves: dict[str, Tensor] = {}
    locs: dict[str, Tensor] = {}
    scaled: dict[str, Tensor] = {}
    for (step, numbers), each in zip(found, rows, strict=True):
        name, loc, scale, entries = step.latent.name, numbers.loc, numbers.scale, numbers.entries
        slots = step.blocked(loc).shape
        noise = each.reshape(-1, *slots)
        noise = noise if entries is None else noise * entries
        moves[name] = step.value(noise, moves, numbers)
        kept = step.latent.latent_entries
        mask = torch.ones(loc.numel(), dtype=torch.bool) if kept is None else kept.flatten().cpu()
        locs[name], scaled[name] = loc.flatten()[mask], (scale * moves[name]).reshape(len(noise), -1)[:, mask]
    responses = torch.cat([scaled[name] for name in names], 1)
    return torch.cat([locs[name] for name in names]), responses.mT @ responses
