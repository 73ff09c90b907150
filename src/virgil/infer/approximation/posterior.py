"""The posterior that is approximated: its surface, in double precision where the model takes it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.infer.approximation.surface import Surface, surface_of
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.execution import Program
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.density.posterior_of import density_of, posterior_of
from virgil.infer.run.origin import Origin
from virgil.infer.trust.draws import Arguments, joint
from virgil.ops.random_state import set_rng_seed

__all__ = ["starts_of", "surface_of_fit", "surface_of_model"]


def surface_of_model(model: Program, args: tuple[Any, ...], kwargs: dict[str, Any], init_fn: InitFn) -> Surface:
    """The surface of a model's own posterior, its discrete variables summed out.

    Raises:
        ArgumentError: the posterior has no density over real vectors; the message says why.
    """
    return surface_of(posterior_of(model, args, kwargs, init_fn=init_fn))


def surface_of_fit(origin: Origin, given: Arguments | None) -> Surface:
    """The surface of the posterior that a fit is of; for use where parameters are those of the fit.

    Raises:
        ArgumentError: it has no density over real vectors; the message says why.
    """
    return surface_of(density_of(joint(origin, given)))


def starts_of(surface: Surface, count: int, init_fn: InitFn, seed: int) -> Tensor:
    """Vectors to begin at: one by ``init_fn``, the others uniform in (-2, 2). Shape: ``(count, dim)``, float64."""
    with unmarked():
        set_rng_seed(seed)
        first = surface.narrow.initial(1, init_fn)
        others = [surface.narrow.initial(1, init_to_uniform) for _ in range(count - 1)]
    return torch.cat([first, *others]).double()
