"""Normals along the path of a climb, and the one of them that is nearest to the posterior: Pathfinder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import NonFiniteError
from virgil.infer.approximation.modes import climb
from virgil.infer.approximation.surface import Surface
from virgil.ops.limited_memory_bfgs import Descent

__all__ = ["PathNormal", "fit_paths", "normals_along"]

_MEMORY = 6  # steps from which the curvature is estimated
_DRAWS = 10  # of each normal, for its bound
_STEPS = 1000
_LEAST = 1e-12  # curvature along a step, relative to the square of the gradient's change


@dataclass(frozen=True, eq=False)
class PathNormal:
    """The normal along one path whose evidence lower bound is highest.

    Attributes:
        loc: Shape: ``(dim,)``.
        scale_tril: Cholesky factor of the covariance. Shape: ``(dim, dim)``.
        elbo: the estimate of its bound, nats.
        losses: minus the estimates along the path, nats.
    """

    loc: Tensor
    scale_tril: Tensor
    elbo: float
    losses: tuple[float, ...]


def fit_paths(surface: Surface, starts: Tensor, seed: int) -> list[PathNormal]:
    """Of the path from each start the best normal; the best path first *(Zhang, Carpenter, Gelman and Vehtari 2022)*.

    Raises:
        NonFiniteError: no path has a normal with a finite bound.
    """
    generator = torch.Generator().manual_seed(seed)
    normals = [_best(surface, climb(surface, start, _STEPS), generator) for start in starts]
    found = [each for each in normals if each is not None]
    if not found:
        raise NonFiniteError(
            f"None of {len(starts)} paths has a normal about which the log-density is finite. Begin elsewhere by "
            "init_loc_fn=, such as init_to_value(values={...}), or look at the priors and data."
        )
    return sorted(found, key=lambda each: -each.elbo)


def normals_along(path: Descent) -> Iterator[tuple[Tensor, Tensor]]:
    r"""Location and Cholesky factor of a normal about each place of a path.

    The covariance is the inverse Hessian of BFGS from the last six steps :math:`s` and changes of the gradient
    :math:`z`, begun at a diagonal that has followed all of them *(Gilbert and Lemaréchal 1989, section 4.2; Zhang et
    al. 2022, algorithm 3)*; the location is Newton's next place.
    """
    dim = path.places.shape[1]
    diagonal, pairs = torch.ones(dim, dtype=torch.float64), list[tuple[Tensor, Tensor]]()
    for place in range(len(path.places)):
        if place:
            s = path.places[place] - path.places[place - 1]
            z = path.gradients[place] - path.gradients[place - 1]
            if float(s @ z) > _LEAST * float(z @ z):
                diagonal, pairs = _followed(diagonal, s, z), [*pairs, (s, z)][-_MEMORY:]
        inverse = torch.diag(diagonal)
        for s, z in pairs:
            shrink = torch.eye(dim, dtype=torch.float64) - torch.outer(s, z) / (s @ z)
            inverse = shrink @ inverse @ shrink.T + torch.outer(s, s) / (s @ z)
        factor, failed = torch.linalg.cholesky_ex(inverse)
        if not int(failed) and bool(factor.isfinite().all()):
            yield path.places[place] - inverse @ path.gradients[place], factor


def _followed(diagonal: Tensor, s: Tensor, z: Tensor) -> Tensor:
    """The diagonal of an inverse Hessian after another step."""
    a, b, c = z @ (diagonal * z), z @ s, s @ (s / diagonal)
    return 1 / (a / (b * diagonal) + z**2 / b - a * s**2 / (b * c * diagonal**2))


def _best(surface: Surface, path: Descent, generator: torch.Generator) -> PathNormal | None:
    """The normal along a path with the highest bound; ``None`` where none has one."""
    best: tuple[float, Tensor, Tensor] | None = None
    losses = []
    for loc, factor in normals_along(path):
        noise = torch.randn(_DRAWS, len(loc), generator=generator, dtype=torch.float64)
        entropy = float(factor.diagonal().log().sum()) + len(loc) / 2 * math.log(2 * math.pi * math.e)
        elbo = float(surface.value(loc + noise @ factor.T).mean()) + entropy
        losses.append(-elbo)
        if math.isfinite(elbo) and (best is None or elbo > best[0]):
            best = elbo, loc, factor
    return None if best is None else PathNormal(best[1], best[2], best[0], tuple(losses))
