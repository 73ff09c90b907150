"""Modes of a posterior over real vectors, climbed to by L-BFGS from several starts."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.infer.approximation.surface import Surface
from virgil.ops.limited_memory_bfgs import Descent, limited_memory_bfgs

__all__ = ["climb", "climbs", "curvatures"]

_WHOLE = 256  # entries, up to which all curvatures are computed
_PROBES = 32
_LEAST = 1e-8


def climb(surface: Surface, start: Tensor, max_steps: int = 1000) -> Descent:
    """The path of L-BFGS on minus the log-density. Shape of ``start``: ``(dim,)``."""

    def gradient_at(place: Tensor) -> tuple[float, Tensor]:
        value, slope = surface.gradient(place.unsqueeze(0))
        return -float(value), -slope[0]

    return limited_memory_bfgs(gradient_at, start, max_steps=max_steps)


def climbs(surface: Surface, starts: Tensor, max_steps: int = 1000) -> list[Descent]:
    """The paths from several starts, those that lead to the same place once, the highest first."""
    found: list[Descent] = []
    for path in sorted((climb(surface, start, max_steps) for start in starts), key=lambda each: float(each.values[-1])):
        if not bool(path.values[-1].isfinite()):
            continue
        if not any(_is_same(path, other) for other in found):
            found.append(path)
    return found


def _is_same(path: Descent, other: Descent) -> bool:
    near = (path.places[-1] - other.places[-1]).abs() <= 1e-3 * (1.0 + other.places[-1].abs())
    return bool(near.all()) or abs(float(path.values[-1] - other.values[-1])) < 1e-6 * (
        1 + abs(float(other.values[-1]))
    )


def curvatures(surface: Surface, place: Tensor, seed: int = 0) -> Tensor:
    """The size of minus the diagonal of the Hessian; of many entries an estimate by random signs. Shape: ``(dim,)``.

    *(Bekas, Kokiopoulou and Saad 2007)*
    """
    if surface.dim <= _WHOLE:
        found = surface.hessian(place).diagonal()
    else:
        generator = torch.Generator().manual_seed(seed)
        at, total = surface.at(place.unsqueeze(0)), torch.zeros_like(place)
        for _ in range(_PROBES):
            signs = torch.randint(2, (1, surface.dim), generator=generator).double() * 2 - 1
            total += (signs * at.product(signs))[0]
        found = total / _PROBES
    return found.abs().nan_to_num(1.0).clamp_min(_LEAST)
